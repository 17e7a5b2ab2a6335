//! `generate-service client`: what becomes of schemas and operations, as golden text.

use crate::clients::{caller, description, written};
use crate::sandbox::Sandbox;

/// The types of a client, for the shared schemas of a description. The first is asked for by an
/// operation; what it does not need is not there.
#[track_caller]
fn types(schemas: &str, wanted: &str) {
    let sandbox = Sandbox::new();
    let first = schemas.split('"').nth(1).expect("a name");
    let answer = format!(
        r##""200":{{"content":{{"application/json":{{"schema":{{"$ref":"#/components/schemas/{first}"}}}}}}}}"##
    );
    let paths = format!(r#""/it":{{"get":{{"operationId":"it","responses":{{{answer}}}}}}}"#);
    sandbox.write("work/it.json", &description(&paths, schemas));
    caller(&sandbox, "dashboard");
    let run = sandbox
        .run(["client", "it.json", "--into", "dashboard"])
        .ok();
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let text = written(&sandbox, "dashboard", "pets");
    let end = "        call.fetch().await\n    }\n}\n";
    let at = text.find(end).expect("the client") + end.len();
    assert_eq!(&text[at..], wanted);
}

/// The method of a client for one operation at `/pets/{id}`.
#[track_caller]
fn method(operation: &str, wanted: &str) {
    let sandbox = Sandbox::new();
    let paths = format!(r#""/pets/{{id}}":{operation}"#);
    let pet = r#""Pet":{"type":"object","required":["id"],"properties":{"id":{"type":"integer"}}}"#;
    sandbox.write("work/it.json", &description(&paths, pet));
    caller(&sandbox, "dashboard");
    sandbox
        .run(["client", "it.json", "--into", "dashboard"])
        .ok();
    let text = written(&sandbox, "dashboard", "pets");
    let begin = "        Self { api }\n    }\n\n";
    let at = text.find(begin).expect("a method") + begin.len();
    let end = text[at..].find("\n}\n").expect("its end");
    assert_eq!(&text[at..=at + end], wanted);
}

#[test]
fn required_optional_and_nullable_fields() {
    types(
        r#""Pet":{"description":"A pet.","type":"object","required":["id","nick","old"],"properties":{"id":{"type":"integer","description":"Its number.\n\nFor good."},"name":{"type":"string"},"nick":{"type":["string","null"]},"old":{"type":"string","nullable":true},"sex":{"type":["string","null"]},"secret":{"type":"string","writeOnly":true}}}"#,
        r#"
/// A pet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// Its number.
    ///
    /// For good.
    pub id: i64,
    /// `name`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `nick`
    pub nick: Option<String>,
    /// `old`
    pub old: Option<String>,
    /// `secret`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// `sex`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<String>,
}
"#,
    );
}

#[test]
fn numbers_by_format() {
    types(
        r#""Pet":{"type":"object","required":["a","b","c","d","e","f","g","h"],"properties":{"a":{"type":"integer","format":"int32"},"b":{"type":"integer","format":"int64"},"c":{"type":"integer","format":"int32","minimum":0},"d":{"type":"integer","minimum":0},"e":{"type":"integer","format":"uint8"},"f":{"type":"number"},"g":{"type":"boolean"},"h":{"type":"integer","minimum":1}}}"#,
        r"
/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `a`
    pub a: i32,
    /// `b`
    pub b: i64,
    /// `c`
    pub c: u32,
    /// `d`
    pub d: u64,
    /// `e`
    pub e: u8,
    /// `f`
    pub f: f64,
    /// `g`
    pub g: bool,
    /// `h`
    pub h: i64,
}
",
    );
}

#[test]
fn lists_and_maps() {
    types(
        r##""Pet":{"type":"object","required":["a","b","c","d","e"],"properties":{"a":{"type":"array","items":{"type":"string"}},"b":{"type":"object","additionalProperties":{"type":"array","items":{"$ref":"#/components/schemas/Toy"}}},"c":{"type":"array"},"d":{"type":"object"},"e":{"type":"array","items":{"type":["integer","null"]}}}},"Toy":{"type":"object","properties":{"x":{"type":"string"}}}"##,
        r#"
/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `a`
    pub a: Vec<String>,
    /// `b`
    pub b: BTreeMap<String, Vec<Toy>>,
    /// `c`
    pub c: Vec<serde_json::Value>,
    /// `d`
    pub d: BTreeMap<String, serde_json::Value>,
    /// `e`
    pub e: Vec<Option<i64>>,
}

/// `Toy`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Toy {
    /// `x`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
}
"#,
    );
}

#[test]
fn what_is_not_said_is_any_json() {
    types(
        r#""Pet":{"type":"object","required":["a","b","c"],"properties":{"a":{},"b":{"oneOf":[{"type":"string"},{"type":"integer"}]},"c":true,"d":{"type":["string","integer"]},"e":{"oneOf":[{"type":"null"},{}]}}}"#,
        r#"
/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `a`
    pub a: serde_json::Value,
    /// `b`
    pub b: serde_json::Value,
    /// `c`
    pub c: serde_json::Value,
    /// `d`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d: Option<serde_json::Value>,
    /// `e`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<serde_json::Value>,
}
"#,
    );
}

#[test]
fn words() {
    types(
        r##""Pet":{"type":"object","required":["kind","size","mood"],"properties":{"kind":{"$ref":"#/components/schemas/kind_of-pet"},"size":{"type":"string","enum":["XL","small","2nd","self","two words","tab\t\"","",null]},"mood":{"anyOf":[{"$ref":"#/components/schemas/kind_of-pet"},{"type":"null"}]}}},"kind_of-pet":{"type":"string","enum":["cat","dog"],"description":"Which."}"##,
        r#"
/// Which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KindOfPet {
    /// `cat`
    #[serde(rename = "cat")]
    Cat,
    /// `dog`
    #[serde(rename = "dog")]
    Dog,
}

/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `kind`
    pub kind: KindOfPet,
    /// `mood`
    pub mood: Option<KindOfPet>,
    /// `size`
    pub size: Option<PetSize>,
}

/// `PetSize`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PetSize {
    /// ``
    #[serde(rename = "")]
    Word,
    /// `2nd`
    #[serde(rename = "2nd")]
    Word2nd,
    /// `XL`
    #[serde(rename = "XL")]
    Xl,
    /// `self`
    #[serde(rename = "self")]
    WordSelf,
    /// `small`
    #[serde(rename = "small")]
    Small,
    /// `tab "`
    #[serde(rename = "tab\t\"")]
    Tab,
    /// `two words`
    #[serde(rename = "two words")]
    TwoWords,
}
"#,
    );
}

#[test]
fn names_that_rust_keeps() {
    types(
        r##""Option":{"type":"object","required":["type","self","async","crate","2nd","ownerName","owner-name","größe","$"],"properties":{"type":{"type":"string"},"self":{"type":"string"},"async":{"type":"string"},"crate":{"type":"string"},"2nd":{"type":"string"},"ownerName":{"type":"string"},"owner-name":{"type":"string"},"größe":{"type":"string"},"$":{"$ref":"#/components/schemas/option"}}},"option":{"type":"object","properties":{"x":{"type":"boolean"}}}"##,
        r#"
/// `Option2`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Option2 {
    /// `$`
    #[serde(rename = "$")]
    pub field: Option3,
    /// `2nd`
    #[serde(rename = "2nd")]
    pub field_2nd: String,
    /// `async`
    pub r#async: String,
    /// `crate`
    #[serde(rename = "crate")]
    pub crate_: String,
    /// `größe`
    #[serde(rename = "gr\u{f6}\u{df}e")]
    pub gr_e: String,
    /// `owner-name`
    #[serde(rename = "owner-name")]
    pub owner_name: String,
    /// `ownerName`
    #[serde(rename = "ownerName")]
    pub owner_name2: String,
    /// `self`
    #[serde(rename = "self")]
    pub self_: String,
    /// `type`
    pub r#type: String,
}

/// `Option3`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Option3 {
    /// `x`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<bool>,
}
"#,
    );
}

#[test]
fn nested_objects_get_names() {
    types(
        r#""Pet":{"type":"object","properties":{"owner":{"type":"object","required":["home"],"properties":{"home":{"type":"object","properties":{"city":{"type":"string"}}}}}}}"#,
        r#"
/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `owner`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<PetOwner>,
}

/// `PetOwner`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PetOwner {
    /// `home`
    pub home: PetOwnerHome,
}

/// `PetOwnerHome`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PetOwnerHome {
    /// `city`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
}
"#,
    );
}

#[test]
fn compositions_of_objects_are_one() {
    types(
        r##""Pet":{"allOf":[{"$ref":"#/components/schemas/Animal"},{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"wrapped":{"description":"One.","allOf":[{"$ref":"#/components/schemas/Animal"}]}}}]},"Animal":{"type":"object","required":["legs"],"properties":{"legs":{"type":"integer"}}}"##,
        r#"
/// `Animal`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Animal {
    /// `legs`
    pub legs: i64,
}

/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `legs`
    pub legs: i64,
    /// `name`
    pub name: String,
    /// One.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapped: Option<Animal>,
}
"#,
    );
}

#[test]
fn circles_are_boxed_where_they_must_be() {
    types(
        r##""Pet":{"type":"object","required":["friend","kids"],"properties":{"friend":{"$ref":"#/components/schemas/Friend"},"kids":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}},"parent":{"$ref":"#/components/schemas/Pet"}}},"Friend":{"type":"object","properties":{"pet":{"oneOf":[{"type":"null"},{"$ref":"#/components/schemas/Pet"}]}}}"##,
        r#"
/// `Friend`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Friend {
    /// `pet`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pet: Option<Box<Pet>>,
}

/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `friend`
    pub friend: Friend,
    /// `kids`
    pub kids: Vec<Pet>,
    /// `parent`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Box<Pet>>,
}
"#,
    );
}

#[test]
fn mere_names_of_other_types_are_these_types() {
    types(
        r##""Pet":{"type":"object","required":["id","tags"],"properties":{"id":{"$ref":"#/components/schemas/Id"},"tags":{"$ref":"#/components/schemas/Tags"}}},"Id":{"type":"string","format":"uuid"},"Tags":{"type":"array","items":{"$ref":"#/components/schemas/Id"}}"##,
        r"
/// `Pet`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `id`
    pub id: String,
    /// `tags`
    pub tags: Vec<String>,
}
",
    );
}

#[test]
fn words_of_others_stay_words() {
    types(
        r#""Pet":{"type":"object","description":"\n\nEnds */ here\r\n//! not\u202e\u0007there.\n\n\nDone.  \n","required":["a\"b\\\n"],"properties":{"a\"b\\\n":{"type":"string"}}}"#,
        r#"
/// Ends */ here
/// //! not  there.
///
/// Done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pet {
    /// `a"b\`
    #[serde(rename = "a\"b\\\n")]
    pub a_b: String,
}
"#,
    );
}

#[test]
fn an_answer_in_json() {
    method(
        r##"{"get":{"operationId":"getPet","summary":"The pet.","description":"Or none.","deprecated":true,"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}}"##,
        r#"    /// The pet.
    ///
    /// Or none.
    ///
    /// Deprecated.
    ///
    /// `GET /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, if it is no success, or if it is not what was expected.
    pub async fn get_pet(&self, id: i64) -> Result<Pet, api::Error> {
        let call = self.api.get(format!("service://pets/pets/{id}"));
        call.fetch().await
    }
"#,
    );
}

#[test]
fn an_answer_without_a_body() {
    method(
        r#"{"delete":{"operationId":"remove","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"204":{"description":"Gone"}}}}"#,
        r#"    /// `DELETE /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, or if it is no success.
    pub async fn remove(&self, id: i64) -> Result<(), api::Error> {
        let call = self.api.delete(format!("service://pets/pets/{id}"));
        call.send().await?.success().map(drop)
    }
"#,
    );
}

#[test]
fn a_name_made_of_method_and_path() {
    method(
        r##"{"get":{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}}"##,
        r#"    /// `GET /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, if it is no success, or if it is not what was expected.
    pub async fn get_pets_id(&self, id: i64) -> Result<Pet, api::Error> {
        let call = self.api.get(format!("service://pets/pets/{id}"));
        call.fetch().await
    }
"#,
    );
}

#[test]
fn texts_in_the_path_are_encoded() {
    method(
        r##"{"get":{"operationId":"type","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}}"##,
        r#"    /// `GET /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, if it is no success, or if it is not what was expected.
    pub async fn r#type(&self, id: &str) -> Result<Pet, api::Error> {
        let call = self
            .api
            .get(format!("service://pets/pets/{}", api::encode(id)));
        call.fetch().await
    }
"#,
    );
}

#[test]
fn queries_and_headers() {
    method(
        r##"{"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"string"}}],"get":{"operationId":"find","parameters":[{"name":"page","in":"query","schema":{"type":"integer"}},{"name":"body","in":"query","required":true,"schema":{"type":["string","null"]}},{"name":"tag","in":"query","schema":{"type":"array","items":{"type":"string"}}},{"name":"X-Tenant","in":"header","required":true,"schema":{"type":"integer"}},{"name":"Accept","in":"header","required":true,"schema":{"type":"string"}},{"name":"by","in":"query","schema":{"type":"string","enum":["age","name"]}},{"name":"deep","in":"query","schema":{"type":"object"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}}"##,
        r#"    /// `GET /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, if it is no success, or if it is not what was expected.
    pub async fn find(
        &self,
        id: &str,
        body2: &str,
        x_tenant: i64,
        page: Option<i64>,
        tag: &[&str],
        by: Option<FindBy>,
    ) -> Result<Pet, api::Error> {
        let mut call = self
            .api
            .get(format!("service://pets/pets/{}", api::encode(id)))
            .query("body", body2)
            .header("X-Tenant", x_tenant.to_string());
        if let Some(page) = page {
            call = call.query("page", page);
        }
        for one in tag {
            call = call.query("tag", one);
        }
        if let Some(by) = by {
            call = call.query("by", by);
        }
        call.fetch().await
    }
"#,
    );
}

#[test]
fn a_body_in_json() {
    method(
        r##"{"put":{"operationId":"put","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"requestBody":{"required":true,"content":{"application/json; charset=utf-8":{"schema":{"$ref":"#/components/schemas/Pet"}}}},"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},"201":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}}}}}"##,
        r#"    /// `PUT /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, if it is no success, or if it is not what was expected.
    pub async fn put(&self, id: i64, body: &Pet) -> Result<Pet, api::Error> {
        let call = self.api.put(format!("service://pets/pets/{id}")).json(body);
        call.fetch().await
    }
"#,
    );
}

#[test]
fn a_body_that_may_be_missing() {
    method(
        r##"{"patch":{"operationId":"patch","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"requestBody":{"content":{"application/json":{"schema":{"type":"array","items":{"type":"string"}}}}},"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Pet"}}}}}}}}"##,
        r#"    /// `PATCH /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, if it is no success, or if it is not what was expected.
    pub async fn patch(&self, id: i64, body: Option<&[String]>) -> Result<Vec<Pet>, api::Error> {
        let mut call = self.api.patch(format!("service://pets/pets/{id}"));
        if let Some(body) = body {
            call = call.json(body);
        }
        call.fetch().await
    }
"#,
    );
}

#[test]
fn answers_that_differ_are_for_the_caller() {
    method(
        r##"{"post":{"operationId":"new","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Pet"}}}},"202":{}}}}"##,
        r#"    /// `POST /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, or if it is no success.
    pub async fn new2(&self, id: i64) -> Result<api::Response, api::Error> {
        let call = self.api.post(format!("service://pets/pets/{id}"));
        call.send().await?.success()
    }
"#,
    );
}

#[test]
fn answers_that_are_no_json_are_for_the_caller() {
    method(
        r#"{"get":{"operationId":"photo","parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],"responses":{"200":{"content":{"image/png":{}}}}}}"#,
        r#"    /// `GET /pets/{id}`
    ///
    /// # Errors
    /// If there is no answer, or if it is no success.
    pub async fn photo(&self, id: i64) -> Result<api::Response, api::Error> {
        let call = self.api.get(format!("service://pets/pets/{id}"));
        call.send().await?.success()
    }
"#,
    );
}
