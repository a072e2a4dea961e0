//! An in-process DynamoDB with the table of `template.yaml`.

use aws::Table;
use channel::ports::Clock;
use dynoxide::Database;
use serde_json::{Value, json};
use std::sync::Arc;

pub const TABLE: &str = "postroom";

/// DynamoDB in this process, with the table of the template.
pub struct Dynamo {
    pub database: Database,
    pub endpoint: String,
}

pub async fn dynamo() -> Dynamo {
    let database = Database::memory().unwrap();
    database.create_table(serde_json::from_value(definition()).unwrap()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
    Dynamo { database, endpoint }
}

impl Dynamo {
    pub fn table(&self, clock: Arc<dyn Clock>) -> Table {
        Table::new(&aws::emulator_config(&self.endpoint), TABLE, clock)
    }

    /// Writes an item past the adapter, as another release would.
    pub fn put_raw(&self, item: Value) {
        let request = json!({ "TableName": TABLE, "Item": item });
        self.database.put_item(serde_json::from_value(request).unwrap()).unwrap();
    }
}

/// The table's properties in `template.yaml`, as far as `CreateTable` takes them.
fn definition() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    let template = std::fs::read_to_string(path).unwrap();
    let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(&template).unwrap();
    let properties = &template["Resources"]["Table"]["Properties"];
    let mut request = json!({ "TableName": TABLE });
    for name in ["BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
        request[name] = serde_json::to_value(&properties[name]).unwrap();
        assert!(!request[name].is_null(), "the template's table has no {name}");
    }
    request
}
