//! What a page's form sends: fields, and files when it is a multipart one.

use axum::{
    extract::{FromRequest, Request},
    response::Response,
};
use http::header;
use multer::Multipart;

use super::{letter::Attachment, problem};
use crate::{error::ApiError, gmail::Params};

/// Gmail's limit for the attachments of one mail.
pub(super) const FILES_LIMIT: usize = 25 * 1024 * 1024;
/// Text that a person types; the largest of the fields is the body of a draft.
const TEXT_LIMIT: usize = 32 * 1024 * 1024;
/// How much more is read, and thrown away, only to be able to answer.
const PATIENCE: usize = 512 * 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct Form {
    fields: Vec<(String, String)>,
    pub files: Vec<Attachment>,
    /// The files exceed the limit and were not kept.
    pub too_large: bool,
}

fn malformed(error: multer::Error) -> ApiError {
    ApiError::new(400, "badContent", format!("The form is malformed: {error}"))
}

impl Form {
    /// A field that was sent, empty or not.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }

    pub fn numbers(&self, key: &str) -> Vec<usize> {
        self.fields.iter().filter(|(name, _)| name == key).filter_map(|(_, value)| value.parse().ok()).collect()
    }

    pub fn check_size(&self) -> Result<(), ApiError> {
        if self.too_large {
            let message = "The attachments are larger than 25 MB together. Choose smaller or fewer files.";
            return Err(ApiError::new(413, "uploadTooLarge", message));
        }
        Ok(())
    }

    async fn multipart(mut body: Multipart<'_>) -> Result<Self, ApiError> {
        let mut form = Self::default();
        let (mut texts, mut files, mut read) = (0, 0, 0);
        while let Some(mut field) = body.next_field().await.map_err(malformed)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file = field.file_name().map(str::to_owned);
            let kind = field.content_type().map_or("application/octet-stream", |kind| kind.as_ref()).to_owned();
            let mut bytes = Vec::new();
            while let Some(chunk) = field.chunk().await.map_err(malformed)? {
                read += chunk.len();
                let (total, limit) = if file.is_some() { (&mut files, FILES_LIMIT) } else { (&mut texts, TEXT_LIMIT) };
                *total += chunk.len();
                if read > PATIENCE || (file.is_none() && *total > limit) {
                    return Err(ApiError::new(413, "uploadTooLarge", "The form is too large."));
                }
                if *total > limit {
                    form.too_large = true;
                    form.files.clear();
                    bytes = Vec::new();
                } else {
                    bytes.extend_from_slice(&chunk);
                }
            }
            match file {
                // A file input that was left empty still sends a part.
                Some(file) if file.is_empty() && bytes.is_empty() => {}
                Some(_) if form.too_large => {}
                Some(file) => form.files.push(Attachment { name: file, kind, bytes }),
                None => form.fields.push((name, String::from_utf8_lossy(&bytes).into_owned())),
            }
        }
        Ok(form)
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            let boundary = multer::parse_boundary(kind).map_err(|error| problem(&malformed(error)))?;
            let body = Multipart::new(request.into_body().into_data_stream(), boundary);
            return Self::multipart(body).await.map_err(|error| problem(&error));
        }
        let body = axum::body::to_bytes(request.into_body(), TEXT_LIMIT)
            .await
            .map_err(|_| problem(&ApiError::new(413, "uploadTooLarge", "The form is too large or broke off.")))?;
        let fields = Params::parse(&String::from_utf8_lossy(&body)).pairs().to_vec();
        Ok(Self { fields, ..Self::default() })
    }
}
