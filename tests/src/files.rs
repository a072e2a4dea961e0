//! The contract of the bucket: one suite, run on the fake and, in the local cloud, on the real adapter.

use async_trait::async_trait;
use channel::ports::{Files, FilesError, UploadForm, UploadTerms};
use std::time::Duration;

/// Who posts a form to the bucket.
#[async_trait]
pub trait Poster: Send + Sync {
    /// The answer's code when it is refused.
    async fn post(&self, form: &UploadForm, bytes: &[u8]) -> Result<(), String>;
}

/// `below` is where files may be put; nothing lies there yet.
pub async fn keep_the_contract(files: &dyn Files, poster: &dyn Poster, below: &str) {
    written_is_read(files, below).await;
    listed_is_what_begins_so(files, below).await;
    posted_is_there(files, poster, below).await;
}

async fn written_is_read(files: &dyn Files, below: &str) {
    let name = format!("{below}a/1.md");
    assert_eq!(files.read(&name, 100).await, Err(FilesError::Missing));
    assert_eq!(files.look(&name).await, Ok(None));
    files.write(&name, "text/markdown", b"first".to_vec()).await.unwrap();
    files.write(&name, "text/markdown", "sécond".into()).await.unwrap();
    assert_eq!(files.read(&name, 7).await, Ok("sécond".into()));
    assert_eq!(files.read(&name, 6).await, Err(FilesError::TooLarge { limit: 6 }));
    let seen = files.look(&name).await.unwrap().unwrap();
    assert_eq!((seen.name.as_str(), seen.size), (name.as_str(), 7));
    files.delete(&name).await.unwrap();
    files.delete(&name).await.unwrap();
    assert_eq!(files.read(&name, 100).await, Err(FilesError::Missing));
    let large = vec![7; 3_000_000];
    files.write(&name, "application/octet-stream", large.clone()).await.unwrap();
    assert_eq!(files.read(&name, 3_000_000).await.unwrap(), large);
    files.delete(&name).await.unwrap();
}

async fn listed_is_what_begins_so(files: &dyn Files, below: &str) {
    for name in ["b/2.md", "b/10.md", "c/1.md"] {
        files.write(&format!("{below}{name}"), "text/markdown", b"x".to_vec()).await.unwrap();
    }
    let names = |found: Vec<channel::ports::StoredFile>| -> Vec<String> {
        found.into_iter().map(|file| file.name[below.len()..].to_owned()).collect()
    };
    assert_eq!(names(files.list(&format!("{below}b/")).await.unwrap()), ["b/10.md", "b/2.md"]);
    let all = files.list(below).await.unwrap();
    assert!(all.iter().all(|file| file.size == 1 && file.modified_at.as_millis() > 0), "{all:?}");
    assert_eq!(names(all), ["b/10.md", "b/2.md", "c/1.md"]);
    assert_eq!(files.list(&format!("{below}d")).await.unwrap(), []);
}

async fn posted_is_there(files: &dyn Files, poster: &dyn Poster, below: &str) {
    let terms = UploadTerms { media_type: "application/pdf".to_owned(), max_size: 10, then: None };
    let name = format!("{below}d/1.x");
    let form = files.upload_form(&name, &terms, Duration::from_secs(300)).await.unwrap();
    assert!(poster.post(&form, &[1; 11]).await.unwrap_err().contains("EntityTooLarge"));
    assert!(poster.post(&form, &[]).await.unwrap_err().contains("EntityTooSmall"));
    assert_eq!(files.look(&name).await, Ok(None));
    poster.post(&form, &[1; 10]).await.unwrap();
    assert_eq!(files.read(&name, 10).await, Ok(vec![1; 10]));
    // A form is good for the one name that it was made for.
    let other = format!("{below}d/2.x");
    let mut forged = form.clone();
    for (field, value) in &mut forged.fields {
        if field == "key" {
            value.clone_from(&other);
        }
    }
    assert!(poster.post(&forged, &[1; 5]).await.unwrap_err().contains("AccessDenied"));
    assert_eq!(files.look(&other).await, Ok(None));
    files.delete(&name).await.unwrap();
}
