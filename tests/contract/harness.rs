//! The two stores under test.

use aws::{Meter, Table};
use dynoxide::Database;
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::{ManualClock, MemoryStore, Store};

pub const TABLE: &str = "postroom";

/// A store and the clock that it reads.
pub struct Under {
    pub store: Arc<dyn Store>,
    pub clock: ManualClock,
}

pub fn memory() -> Under {
    let clock = ManualClock::default();
    Under { store: Arc::new(MemoryStore::new(Arc::new(clock.clone()))), clock }
}

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
    pub fn table(&self, clock: &ManualClock) -> Table {
        Table::new(&aws::emulator_config(&self.endpoint), TABLE, Arc::new(clock.clone()))
    }

    /// Writes an item past the adapter, as another release would.
    pub fn put_raw(&self, item: Value) {
        let request = json!({ "TableName": TABLE, "Item": item });
        self.database.put_item(serde_json::from_value(request).unwrap()).unwrap();
    }
}

pub async fn table() -> Under {
    let clock = ManualClock::default();
    Under { store: Arc::new(dynamo().await.table(&clock)), clock }
}

pub async fn metered() -> (Under, Arc<Meter>) {
    let (clock, meter) = (ManualClock::default(), Arc::new(Meter::default()));
    let table = dynamo().await.table(&clock).metered(Arc::clone(&meter));
    (Under { store: Arc::new(table), clock }, meter)
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

/// Runs each case on both stores, as tests of their own.
macro_rules! on_both {
    ($($case:ident)*) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::harness::memory()).await;
            })*
        }
        mod on_table {
            $(#[tokio::test]
            async fn $case() {
                super::$case($crate::harness::table().await).await;
            })*
        }
    };
}
pub(crate) use on_both;
