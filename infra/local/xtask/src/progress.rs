//! Steps with the time that each took.

use crate::Result;
use std::time::Instant;

#[derive(Debug, Clone, Copy)]
pub struct Progress {
    begun: Instant,
    shown: bool,
}

impl Progress {
    pub fn shown() -> Self {
        Self { begun: Instant::now(), shown: true }
    }

    pub fn silent() -> Self {
        Self { begun: Instant::now(), shown: false }
    }

    pub fn seconds(&self) -> f32 {
        self.begun.elapsed().as_secs_f32()
    }

    pub fn note(&self, text: &str) {
        if self.shown {
            println!("{:>7.1} s  {text}", self.seconds());
        }
    }

    pub async fn step<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.note(what);
        let begun = Instant::now();
        let done = work.await?;
        if self.shown {
            println!("           done in {:.1} s", begun.elapsed().as_secs_f32());
        }
        Ok(done)
    }
}
