//! The bucket in memory.

use async_trait::async_trait;
use channel::ports::{Clock, Files, FilesError, StoredFile, UploadForm, UploadTerms};
use channel::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

struct Stored {
    bytes: Vec<u8>,
    modified_at: Timestamp,
}

/// What a form allows.
struct Allowed {
    max_size: u64,
    until: Timestamp,
}

#[derive(Default)]
struct Inner {
    files: BTreeMap<String, Stored>,
    forms: BTreeMap<String, Allowed>,
}

/// Clones are the same bucket.
#[derive(Clone)]
pub struct MemoryFiles {
    clock: Arc<dyn Clock>,
    inner: Arc<Mutex<Inner>>,
}

impl MemoryFiles {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Arc::default() }
    }

    /// What a browser does with a form.
    ///
    /// # Errors
    /// As the bucket answers: no such form, too late, too long or empty.
    pub fn post(&self, form: &UploadForm, bytes: &[u8]) -> Result<(), String> {
        let field = |name: &str| form.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str());
        let key = field("key").ok_or("the form has no field `key`")?;
        let now = self.clock.now();
        let mut inner = self.inner();
        let allowed = inner.forms.get(key).ok_or("AccessDenied")?;
        if now >= allowed.until {
            return Err("AccessDenied: the policy has expired".to_owned());
        }
        let size = bytes.len() as u64;
        if size == 0 || size > allowed.max_size {
            return Err(if size == 0 { "EntityTooSmall" } else { "EntityTooLarge" }.to_owned());
        }
        inner.files.insert(key.to_owned(), Stored { bytes: bytes.to_vec(), modified_at: now });
        Ok(())
    }

    pub fn names(&self) -> Vec<String> {
        self.inner().files.keys().cloned().collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("a test panicked while it held the bucket")
    }
}

fn stored((name, file): (&String, &Stored)) -> StoredFile {
    StoredFile { name: name.clone(), size: file.bytes.len() as u64, modified_at: file.modified_at }
}

#[async_trait]
impl Files for MemoryFiles {
    async fn upload_form(&self, name: &str, terms: &UploadTerms, valid: Duration) -> Result<UploadForm, FilesError> {
        let until = self.clock.now().plus(valid);
        self.inner().forms.insert(name.to_owned(), Allowed { max_size: terms.max_size, until });
        let mut fields = vec![
            ("key".to_owned(), name.to_owned()),
            ("Content-Type".to_owned(), terms.media_type.clone()),
            ("policy".to_owned(), "fake".to_owned()),
        ];
        if let Some(then) = &terms.then {
            fields.push(("success_action_redirect".to_owned(), then.clone()));
        }
        Ok(UploadForm { url: "https://bucket.example/".to_owned(), fields, expires_at: until })
    }

    async fn download_link(&self, name: &str, save_as: &str, _valid: Duration) -> Result<String, FilesError> {
        let named: String = save_as.bytes().map(|byte| format!("%{byte:02x}")).collect();
        Ok(format!("https://bucket.example/{name}?save_as={named}"))
    }

    async fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FilesError> {
        let inner = self.inner();
        let file = inner.files.get(name).ok_or(FilesError::Missing)?;
        if file.bytes.len() as u64 > limit { Err(FilesError::TooLarge { limit }) } else { Ok(file.bytes.clone()) }
    }

    async fn look(&self, name: &str) -> Result<Option<StoredFile>, FilesError> {
        Ok(self.inner().files.get_key_value(name).map(stored))
    }

    async fn write(&self, name: &str, _media_type: &str, bytes: Vec<u8>) -> Result<(), FilesError> {
        let modified_at = self.clock.now();
        self.inner().files.insert(name.to_owned(), Stored { bytes, modified_at });
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), FilesError> {
        self.inner().files.remove(name);
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<StoredFile>, FilesError> {
        Ok(self.inner().files.iter().filter(|(name, _)| name.starts_with(prefix)).map(stored).collect())
    }
}
