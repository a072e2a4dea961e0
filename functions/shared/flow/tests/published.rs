//! The schema in the repository is the schema of the crate.

use flow::schema_text;
use std::path::Path;

#[test]
fn the_published_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/flow.schema.json");
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    let current = schema_text().unwrap();
    assert!(
        published == current,
        "write it anew: cargo xtask flow schema > functions/shared/flow/schema/flow.schema.json"
    );
}
