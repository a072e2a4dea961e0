//! What a request that carries a mail may look like: JSON with `raw`, or an upload beside its metadata.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::{Params, json_body};
use crate::error::ApiError;

/// A JSON body must not exceed this; larger mails are uploaded.
const JSON_LIMIT: usize = 5 * 1024 * 1024;
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);

/// Where uploads go: the second is what the discovery document names for those in steps.
pub(super) const PLACES: [&str; 2] = ["/upload/", "/resumable/upload/"];

/// Whether a path is one for uploads.
pub(super) fn is_upload(path: &str) -> bool {
    PLACES.iter().any(|place| path.starts_with(place))
}

/// The request's metadata and, where it was uploaded, its mail.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub meta: Value,
    pub media: Option<Vec<u8>>,
}

impl Request {
    /// `limit`: how many bytes an uploaded mail may have.
    pub fn read(path: &str, params: &Params, headers: &HeaderMap, body: &[u8], limit: usize) -> Result<Self, ApiError> {
        if !is_upload(path) {
            if body.len() > JSON_LIMIT {
                let message = format!("Request payload size exceeds the limit: {JSON_LIMIT} bytes.");
                return Err(ApiError::invalid(message));
            }
            return Ok(Self { meta: json_body(body)?, media: None });
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let request = match params.get("uploadType") {
            Some("media") => Self { meta: json!({}), media: Some(body.to_vec()) },
            Some("multipart") => Self::multipart(kind, body)?,
            _ => return Err(ApiError::new(400, "badRequest", "Unsupported uploadType")),
        };
        if request.media.as_ref().is_some_and(|media| media.len() > limit) {
            return Err(ApiError::too_large());
        }
        Ok(request)
    }

    fn multipart(content_type: &str, body: &[u8]) -> Result<Self, ApiError> {
        let bad = || ApiError::new(400, "badContent", "Malformed multipart body.");
        let boundary = content_type
            .split(';')
            .filter_map(|part| part.trim().split_once('='))
            .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
            .map(|(_, value)| value.trim_matches('"').to_owned())
            .ok_or_else(bad)?;
        let parts = frames(body, &boundary).ok_or_else(bad)?;
        let [meta, media] = parts.as_slice() else {
            return Err(bad());
        };
        Ok(Self { meta: json_body(meta)?, media: Some(media.to_vec()) })
    }

    /// The mail, wherever it stands; `field` is the JSON object that may hold `raw`.
    pub fn mail(&self, field: &Value) -> Result<Option<Vec<u8>>, ApiError> {
        if let Some(media) = &self.media {
            return Ok(Some(media.clone()));
        }
        match field.get("raw").and_then(Value::as_str) {
            None => Ok(None),
            Some(text) => {
                URL_SAFE.decode(text).or_else(|_| STANDARD.decode(text)).map(Some).map_err(|_| {
                    ApiError::invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed")
                })
            }
        }
    }
}

/// The bodies between the delimiters of an HTTP multipart envelope, byte for byte. Google's own Python client ends the
/// envelope's lines with LF alone, others with CRLF.
fn frames<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let delimiter = format!("--{boundary}").into_bytes();
    let mut marks = Vec::new();
    let mut at = 0;
    while let Some(found) = find(&body[at..], &delimiter).map(|offset| at + offset) {
        if found == 0 || body[..found].ends_with(b"\n") {
            marks.push(found);
        }
        at = found + delimiter.len();
    }
    let mut parts = Vec::new();
    for pair in marks.windows(2) {
        let frame = body.get(pair[0] + delimiter.len()..pair[1])?;
        let frame = frame.strip_suffix(b"\n")?;
        let frame = frame.strip_suffix(b"\r").unwrap_or(frame);
        parts.push(after_headers(&frame[find(frame, b"\n")? + 1..])?);
    }
    Some(parts)
}

/// What follows the first empty line.
fn after_headers(mut frame: &[u8]) -> Option<&[u8]> {
    loop {
        let end = find(frame, b"\n")?;
        let (line, rest) = (&frame[..end], &frame[end + 1..]);
        if line.is_empty() || line == b"\r" {
            return Some(rest);
        }
        frame = rest;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::frames;

    #[test]
    fn keeps_every_byte_of_a_part() {
        let body = b"\r\n--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nnot --x here\r\n\r\n--x--\r\n";
        assert_eq!(frames(body, "x"), Some(vec![&b"{}"[..], &b"A: b\r\n\r\nnot --x here\r\n"[..]]));
    }

    #[test]
    fn reads_an_envelope_with_bare_line_feeds() {
        let body =
            b"--x\nContent-Type: application/json\n\n{}\n--x\nContent-Type: message/rfc822\n\nA: b\r\n\r\nc\r\n\n--x--";
        assert_eq!(frames(body, "x"), Some(vec![&b"{}"[..], &b"A: b\r\n\r\nc\r\n"[..]]));
        assert_eq!(frames(b"--x\nContent-Type: application/json\n{}\n--x--", "x"), None);
    }
}
