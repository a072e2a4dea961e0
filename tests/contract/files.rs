//! The bucket in memory keeps the contract that `tests/e2e` holds the real adapter to.

use async_trait::async_trait;
use channel::ports::{Files, UploadForm, UploadTerms};
use std::sync::Arc;
use std::time::Duration;
use testkit::{ManualClock, MemoryFiles};
use tests::files::{Poster, keep_the_contract};

struct Page(MemoryFiles);

#[async_trait]
impl Poster for Page {
    async fn post(&self, form: &UploadForm, bytes: &[u8]) -> Result<(), String> {
        self.0.post(form, bytes)
    }
}

#[tokio::test]
async fn the_bucket_in_memory() {
    let files = MemoryFiles::new(Arc::new(ManualClock::default()));
    keep_the_contract(&files, &Page(files.clone()), "kb/contract/").await;
}

#[tokio::test]
async fn a_form_ends_with_its_time() {
    let clock = ManualClock::default();
    let files = MemoryFiles::new(Arc::new(clock.clone()));
    let terms = UploadTerms { media_type: "text/plain".to_owned(), max_size: 10, then: None };
    let form = files.upload_form("kb/a", &terms, Duration::from_secs(300)).await.unwrap();
    clock.advance(Duration::from_secs(300));
    assert!(files.post(&form, b"late").unwrap_err().contains("AccessDenied"));
}
