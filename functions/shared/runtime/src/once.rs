//! Parts that are built at the first invocation and kept while the function is warm.
//!
//! What cannot be built is tried again with the next invocation, and its reason told each time: a wrong variable or a
//! secret that cannot be read is an error in the log, not a function that dies over and over while it starts.

use std::future::Future;
use std::pin::Pin;
use tokio::sync::OnceCell;

type Building<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

pub struct Once<T, E> {
    build: Box<dyn Fn() -> Building<T, E> + Send + Sync>,
    built: OnceCell<T>,
}

impl<T, E: std::fmt::Display> Once<T, E> {
    pub fn new<F, Fut>(build: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        Self { build: Box::new(move || Box::pin(build())), built: OnceCell::new() }
    }

    pub async fn get(&self) -> Result<&T, E> {
        self.built.get_or_try_init(|| (self.build)()).await.inspect_err(|error| {
            tracing::error!(%error, "the function cannot be set up");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_failure_is_tried_again_and_a_success_is_kept() {
        let builds = Arc::new(AtomicU32::new(0));
        let count = builds.clone();
        let once = Once::new(move || {
            let n = count.fetch_add(1, Ordering::SeqCst);
            async move { if n == 0 { Err("not yet") } else { Ok(n) } }
        });
        assert_eq!(once.get().await, Err("not yet"));
        assert_eq!(once.get().await, Ok(&1));
        assert_eq!(once.get().await, Ok(&1));
        assert_eq!(builds.load(Ordering::SeqCst), 2);
    }
}
