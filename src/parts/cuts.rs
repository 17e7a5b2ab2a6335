//! Finds what belongs to a part: everything under `#[cfg(feature = "…")]`.
//!
//! The template is one crate with a feature a part, so its authors see, lint and test every
//! combination with cargo alone. A service has no such features: the generator takes the lines
//! of absent parts away, and the attributes of present ones. The embedded template is parsed when
//! the program is built (`build/main.rs` has this very file), one from elsewhere when it is read.

use std::borrow::Cow;

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Meta, Stmt, Token, punctuated::Punctuated};

/// Lines of a Rust file that belong to a part; lines are counted from 1, both ends included.
#[derive(Clone, Debug)]
pub struct Cut {
    /// What goes if the condition does not hold.
    pub lines: (usize, usize),
    /// What goes if it does.
    pub attribute: (usize, usize),
    /// The condition.
    pub when: When,
    /// The module whose file goes as well, or nothing.
    pub module: Cow<'static, str>,
}

/// When lines stay.
#[derive(Clone, Debug)]
pub enum When {
    /// With this part.
    Part(Cow<'static, str>),
    /// If one of these holds.
    Any(Cow<'static, [When]>),
    /// If all of these hold.
    All(Cow<'static, [When]>),
    /// If none of these holds.
    None(Cow<'static, [When]>),
}

/// The cuts of the file at `path`, or what is wrong with it and where.
pub fn of(path: &str, text: &str) -> Result<Vec<Cut>, String> {
    let file = syn::parse_file(text)
        .map_err(|error| format!("{path}, line {}: {error}", error.span().start().line))?;
    let mut finder = Finder {
        path,
        lines: text.lines().collect(),
        cuts: Vec::new(),
        found: Vec::new(),
        wrong: None,
    };
    finder.visit_file(&file);
    finder.demand_all_found();
    match finder.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(finder.cuts),
    }
}

struct Finder<'a> {
    path: &'a str,
    lines: Vec<&'a str>,
    cuts: Vec<Cut>,
    /// The lines of the attributes that were understood.
    found: Vec<(usize, usize)>,
    wrong: Option<String>,
}

impl Finder<'_> {
    /// Notes the cut of a node with `attributes`, if it belongs to a part.
    fn note(&mut self, attributes: &[Attribute], node: Span) {
        self.note_module(attributes, node, "");
    }

    fn note_module(&mut self, attributes: &[Attribute], node: Span, module: &str) {
        for attribute in attributes {
            let Some(when) = condition(attribute) else {
                continue;
            };
            let (first, last) = (node.start().line, node.end().line);
            let (from, to) = (attribute.span().start().line, attribute.span().end().line);
            if !self.alone(node) || !self.alone(attribute.span()) {
                let message = "a part must stand on lines of its own";
                self.wrong = Some(format!("{}, line {from}: {message}", self.path));
            }
            self.found.push((from, to));
            self.cuts.push(Cut {
                lines: (first, last),
                attribute: (from, to),
                when,
                module: Cow::Owned(module.to_owned()),
            });
        }
    }

    /// A part in a place this file knows nothing of would ship whole.
    fn demand_all_found(&mut self) {
        for (i, line) in self.lines.iter().enumerate() {
            let number = i + 1;
            let known = self
                .found
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&number));
            if line.contains("feature = \"") && !known {
                let message = "a part in a place that cannot be cut";
                self.wrong = Some(format!("{}, line {number}: {message}", self.path));
            }
        }
    }

    /// Whether nothing else stands on the lines of `span`, a comma or semicolon aside.
    fn alone(&self, span: Span) -> bool {
        let (start, end) = (span.start(), span.end());
        let before = self.lines[start.line - 1].chars().take(start.column);
        let after = self.lines[end.line - 1].chars().skip(end.column);
        before.clone().all(char::is_whitespace)
            && after
                .clone()
                .all(|c| c.is_whitespace() || c == ',' || c == ';')
    }
}

/// The condition of a `#[cfg]` that speaks of features.
fn condition(attribute: &Attribute) -> Option<When> {
    let Meta::List(list) = &attribute.meta else {
        return None;
    };
    if !list.path.is_ident("cfg") || !list.tokens.to_string().contains("feature") {
        return None;
    }
    expression(&list.parse_args::<Meta>().ok()?)
}

fn expression(meta: &Meta) -> Option<When> {
    match meta {
        Meta::NameValue(pair) if pair.path.is_ident("feature") => {
            let Expr::Lit(literal) = &pair.value else {
                return None;
            };
            let syn::Lit::Str(name) = &literal.lit else {
                return None;
            };
            Some(When::Part(Cow::Owned(name.value())))
        }
        Meta::List(list) => {
            let inner = list
                .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                .ok()?
                .iter()
                .map(expression)
                .collect::<Option<Vec<_>>>()?;
            let inner = Cow::Owned(inner);
            match list.path.get_ident()?.to_string().as_str() {
                "not" => Some(When::None(inner)),
                "any" => Some(When::Any(inner)),
                "all" => Some(When::All(inner)),
                _ => None,
            }
        }
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let module = match item {
            syn::Item::Mod(module) if module.content.is_none() => module.ident.to_string(),
            _ => String::new(),
        };
        self.note_module(item_attributes(item), item.span(), &module);
        visit::visit_item(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes: &[Attribute] = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        self.note(attributes, item.span());
        visit::visit_impl_item(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.note(&field.attrs, field.span());
        visit::visit_field(self, field);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.note(&field.attrs, field.span());
        visit::visit_field_value(self, field);
    }

    fn visit_field_pat(&mut self, field: &'ast syn::FieldPat) {
        self.note(&field.attrs, field.span());
        visit::visit_field_pat(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.note(&variant.attrs, variant.span());
        visit::visit_variant(self, variant);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.note(&arm.attrs, arm.span());
        visit::visit_arm(self, arm);
    }

    fn visit_fn_arg(&mut self, argument: &'ast syn::FnArg) {
        if let syn::FnArg::Typed(typed) = argument {
            self.note(&typed.attrs, typed.span());
        }
        visit::visit_fn_arg(self, argument);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Local(local) => self.note(&local.attrs, local.span()),
            Stmt::Macro(call) => self.note(&call.attrs, call.span()),
            Stmt::Expr(expression, _) => {
                self.note(expression_attributes(expression), statement.span());
            }
            Stmt::Item(_) => {}
        }
        visit::visit_stmt(self, statement);
    }
}

fn item_attributes(item: &syn::Item) -> &[Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn expression_attributes(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(it) => &it.attrs,
        Expr::Await(it) => &it.attrs,
        Expr::Block(it) => &it.attrs,
        Expr::Call(it) => &it.attrs,
        Expr::ForLoop(it) => &it.attrs,
        Expr::If(it) => &it.attrs,
        Expr::Macro(it) => &it.attrs,
        Expr::Match(it) => &it.attrs,
        Expr::MethodCall(it) => &it.attrs,
        Expr::Return(it) => &it.attrs,
        Expr::Struct(it) => &it.attrs,
        Expr::Try(it) => &it.attrs,
        Expr::Tuple(it) => &it.attrs,
        Expr::While(it) => &it.attrs,
        _ => &[],
    }
}
