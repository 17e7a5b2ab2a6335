fn main() {
    println!("{{project-name}} {{crate_name}}");
}
