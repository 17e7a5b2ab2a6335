{% if is_fullstack -%}
// fullstack
{% else -%}
// {{default_platform}}
{% endif -%}
fn main() {
    println!("{{project-name}} {{crate_name}}");
}
