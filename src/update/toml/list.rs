//! The elements of an array with the white space and the comments that are theirs.
//!
//! The parser gives what stands behind an element's comma to the next element. Here a comment on
//! the same line stays with what it was written behind.

use toml_edit::{Array, Decor, Value};

use super::comment;

/// An array taken apart.
pub struct List {
    elements: Vec<Element>,
    /// What stands before the closing bracket.
    end: String,
}

struct Element {
    lead: String,
    value: Value,
    /// Before the comma.
    suffix: String,
    /// A comment behind the comma.
    tail: String,
}

impl List {
    /// The elements of `array`.
    pub fn of(array: &Array) -> Self {
        let mut elements = Vec::<Element>::new();
        for value in array {
            let prefix = comment::prefix(value.decor());
            let (tail, lead) = same_line(prefix, elements.last().is_some());
            if let Some(last) = elements.last_mut() {
                tail.clone_into(&mut last.tail);
            }
            elements.push(Element {
                lead: lead.to_owned(),
                value: value.clone(),
                suffix: comment::suffix(value.decor()).to_owned(),
                tail: String::new(),
            });
        }
        let trailing = array.trailing().as_str().unwrap_or_default();
        let (tail, end) = same_line(trailing, !elements.is_empty());
        let mut end = end.to_owned();
        if let Some(last) = elements.last_mut() {
            tail.clone_into(&mut last.tail);
            if !array.trailing_comma() && last.suffix.trim().is_empty() {
                end.insert_str(0, &std::mem::take(&mut last.suffix));
            }
        }
        Self { elements, end }
    }

    /// The elements.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.elements.iter().map(|element| &element.value)
    }

    /// Takes out what is not to stay. The first one left starts as the first one did.
    pub fn retain(&mut self, stays: impl Fn(&Value) -> bool) {
        let lead = self.elements.first().map(|first| first.lead.clone());
        self.elements.retain(|element| stays(&element.value));
        if let (Some(first), Some(lead)) = (self.elements.first_mut(), lead)
            && first.lead.trim().is_empty()
            && lead.trim().is_empty()
        {
            first.lead = lead;
        }
    }

    /// Puts a value in as the others are put.
    pub fn insert(&mut self, index: usize, value: &Value) {
        let own = comment::prefix(value.decor());
        let on_lines = !self.elements.is_empty() && self.leads().all(|lead| lead.contains('\n'));
        let mut lead = if on_lines && own.contains('#') {
            own[own.find('\n').unwrap_or(0)..].to_owned()
        } else if on_lines {
            self.leads().next().map(last_line).unwrap_or_default()
        } else {
            " ".to_owned()
        };
        if index == 0 && !on_lines {
            match self.elements.first_mut() {
                Some(first) if first.lead.trim().is_empty() => {
                    std::mem::swap(&mut first.lead, &mut lead);
                }
                Some(_) => {}
                None => lead.clear(),
            }
        }
        let element = Element {
            lead,
            value: value.clone(),
            suffix: String::new(),
            tail: String::new(),
        };
        self.elements.insert(index, element);
    }

    /// The array again, otherwise as `shell` is.
    pub fn into_array(self, shell: &Array) -> Array {
        let mut array = shell.clone();
        array.clear();
        let mut tail = String::new();
        for element in self.elements {
            let mut value = element.value;
            *value.decor_mut() = Decor::new(format!("{tail}{}", element.lead), element.suffix);
            array.push_formatted(value);
            tail = element.tail;
        }
        if tail.contains('#') {
            array.set_trailing_comma(true);
        }
        array.set_trailing(format!("{tail}{}", self.end));
        array
    }

    fn leads(&self) -> impl Iterator<Item = &str> {
        self.elements.iter().map(|element| element.lead.as_str())
    }
}

/// The white space before an element without the comments above it.
fn last_line(lead: &str) -> String {
    let at = lead.rfind('\n').unwrap_or(0);
    lead[at..].to_owned()
}

/// Splits off a comment that stands on the line of what comes before.
fn same_line(text: &str, has_before: bool) -> (&str, &str) {
    let line = text.find('\n').unwrap_or(0);
    if has_before && text[..line].contains('#') {
        text.split_at(line)
    } else {
        ("", text)
    }
}
