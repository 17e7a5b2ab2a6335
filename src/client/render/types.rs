//! The types of the model as Rust, and what is written around them.

use crate::client::model::{Definition, Field, Shape, Type, Variant};

/// A type as Rust writes it.
pub fn rust(of: &Type) -> String {
    match of {
        Type::Bool => "bool".to_owned(),
        Type::Integer(name) => (*name).to_owned(),
        Type::Float => "f64".to_owned(),
        Type::Text => "String".to_owned(),
        Type::Any => "serde_json::Value".to_owned(),
        Type::List(of) => format!("Vec<{}>", rust(of)),
        Type::Map(of) => format!("BTreeMap<String, {}>", rust(of)),
        Type::Option(of) => format!("Option<{}>", rust(of)),
        Type::Struct(name) | Type::Enum(name) => name.clone(),
    }
}

/// The definition of a type; one that is `shown` can be part of a URL.
pub fn definition(definition: &Definition, shown: bool) -> String {
    let name = &definition.name;
    let about = docs(&definition.docs, &format!("`{name}`"));
    match &definition.shape {
        Shape::Struct(fields) => {
            let fields = fields.iter().map(field).collect::<String>();
            let derive = "#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]";
            format!("\n{about}{derive}\npub struct {name} {{\n{fields}}}\n")
        }
        Shape::Enum(words) => {
            let variants = words.iter().map(variant).collect::<String>();
            let derive = "#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]";
            let impls = if shown {
                show(name, words)
            } else {
                String::new()
            };
            format!("\n{about}{derive}\npub enum {name} {{\n{variants}}}\n{impls}")
        }
    }
}

fn field(field: &Field) -> String {
    let mut text = docs(&field.docs, &format!("`{}`", line(&field.wire)));
    let mut serde = Vec::new();
    if field.name.trim_start_matches("r#") != field.wire {
        serde.push(format!("rename = {}", literal(&field.wire)));
    }
    let (mut of, optional) = match &field.of {
        Type::Option(of) => (rust(of), true),
        of => (rust(of), !field.required),
    };
    if field.boxed {
        of = format!("Box<{of}>");
    }
    if optional {
        of = format!("Option<{of}>");
    }
    if !field.required {
        serde.push("skip_serializing_if = \"Option::is_none\"".to_owned());
    }
    if !serde.is_empty() {
        text.push_str(&format!("#[serde({})]\n", serde.join(", ")));
    }
    text + format!("pub {}: {of},\n", field.name).as_str()
}

fn variant(variant: &Variant) -> String {
    let Variant { name, wire } = variant;
    let about = docs("", &format!("`{}`", line(wire)));
    if name == wire {
        format!("{about}{name},\n")
    } else {
        format!("{about}#[serde(rename = {})]\n{name},\n", literal(wire))
    }
}

fn show(name: &str, words: &[Variant]) -> String {
    let arm = |word: &Variant| format!("Self::{} => {},\n", word.name, literal(&word.wire));
    let arms = words.iter().map(arm).collect::<String>();
    format!(
        "\nimpl {name} {{\n/// The word, as it is sent.\n\
         pub fn as_str(self) -> &'static str {{ match self {{\n{arms}}} }}\n}}\n\n\
         impl fmt::Display for {name} {{\n\
         fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{ f.write_str(self.as_str()) }}\n}}\n"
    )
}

/// `text` as the documentation of what follows, `fallback` if it says nothing.
pub fn docs(text: &str, fallback: &str) -> String {
    let lines = text.lines().map(line).collect::<Vec<_>>();
    let mut said: Vec<&str> = Vec::new();
    for line in &lines {
        // No empty line at the beginning, none after an empty one.
        if !line.is_empty() || said.last().is_some_and(|last| !last.is_empty()) {
            said.push(line);
        }
    }
    if said.last().is_some_and(|last| last.is_empty()) {
        said.pop();
    }
    if said.is_empty() {
        said.push(fallback);
    }
    let lines = said.into_iter().map(|line| format!("/// {line}"));
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// `text` as one line of a comment: nothing that ends it, nothing that turns its direction.
pub fn line(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |c: char| if c.is_control() || turns(c) { ' ' } else { c };
    let text: String = text.chars().map(plain).collect();
    text.trim_end().to_owned()
}

/// `text` as a literal.
pub fn literal(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

/// As `literal`, of a format string that holds nothing which needs escaping but its own braces.
pub fn word(format: &str) -> String {
    format!("\"{format}\"")
}
