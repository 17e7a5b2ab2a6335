//! What a value says, however it is spelled.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{Item, Table, TableLike, Value};

use super::place::Place;

/// Equal if cargo would see no difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Of a type, spelled in one way.
    Scalar(&'static str, String),
    /// In any order.
    Set(BTreeSet<Meaning>),
    /// In this order.
    List(Vec<Meaning>),
    /// With these keys.
    Table(BTreeMap<String, Meaning>),
}

/// What stands at `place`; None if nothing does.
pub fn of(place: &Place, item: &Item) -> Option<Meaning> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(of_value(place, value)),
        Item::Table(table) => {
            let meant = of_table(place, table);
            let shown = !table.is_implicit() && !table.is_dotted();
            (shown || meant != Meaning::Table(BTreeMap::new())).then_some(meant)
        }
        Item::ArrayOfTables(array) => {
            let place = place.element();
            let meant = array.iter().map(|table| of_table(&place, table));
            let meant = meant.collect::<Vec<_>>();
            (!meant.is_empty()).then_some(Meaning::List(meant))
        }
    }
}

/// What a table says.
pub fn of_table(place: &Place, table: &dyn TableLike) -> Meaning {
    let children = table.iter().filter_map(|(key, item)| {
        let meant = of(&place.then(key), item)?;
        Some((key.to_owned(), meant))
    });
    Meaning::Table(children.collect())
}

/// What a value says.
pub fn of_value(place: &Place, value: &Value) -> Meaning {
    match value {
        Value::String(text) => match place.shorthand() {
            Some(key) => {
                let meant = Meaning::Scalar("string", text.value().clone());
                Meaning::Table(BTreeMap::from([(key.to_owned(), meant)]))
            }
            None => Meaning::Scalar("string", text.value().clone()),
        },
        Value::Integer(number) => Meaning::Scalar("integer", number.value().to_string()),
        Value::Float(number) => Meaning::Scalar("float", format!("{:?}", number.value())),
        Value::Boolean(yes) => Meaning::Scalar("boolean", yes.value().to_string()),
        Value::Datetime(time) => Meaning::Scalar("datetime", time.value().to_string()),
        Value::InlineTable(table) => of_table(place, table),
        Value::Array(array) => {
            let element = place.element();
            let meant = array.iter().map(|value| of_value(&element, value));
            if place.is_set() {
                Meaning::Set(meant.collect())
            } else {
                Meaning::List(meant.collect())
            }
        }
    }
}

/// Whether both are spelled alike, too, white space and comments around them aside.
pub fn is_same_text(one: &Item, other: &Item) -> bool {
    match (one, other) {
        (Item::Value(one), Item::Value(other)) => bare(one) == bare(other),
        _ => false,
    }
}

fn bare(value: &Value) -> String {
    value.clone().decorated("", "").to_string()
}

/// The text at a key of a table, if that may be what tells it from others.
pub fn name<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key)?.as_str()
}
