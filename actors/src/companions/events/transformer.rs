//! What a target is given of an event: all of it, a part, a constant, or what a template makes of it (API reference:
//! `Target`, `InputTransformer`).

use penstock_engine::json_path::JsonPath;
use serde_json::Value;

/// The input that the target asks for; nothing when what comes out is not JSON.
pub(super) fn input(target: &Value, event: &Value, rule: &str, rule_arn: &str) -> Option<Value> {
    let text = |name: &str| target.get(name).and_then(Value::as_str);
    if let Some(constant) = text("Input") {
        return serde_json::from_str(constant).ok();
    }
    if let Some(path) = text("InputPath") {
        return JsonPath::parse(path)?.select(event).first().map(|value| (*value).clone());
    }
    let Some(transformer) = target.get("InputTransformer") else { return Some(event.clone()) };
    let mut values = vec![
        ("aws.events.rule-arn".to_owned(), Value::from(rule_arn)),
        ("aws.events.rule-name".to_owned(), Value::from(rule)),
        ("aws.events.event".to_owned(), event.clone()),
    ];
    for (name, path) in transformer.get("InputPathsMap").and_then(Value::as_object).into_iter().flatten() {
        let path = path.as_str().and_then(JsonPath::parse);
        let found = path.and_then(|path| path.select(event).first().map(|value| (*value).clone()));
        values.push((name.clone(), found.unwrap_or(Value::Null)));
    }
    let template = transformer.get("InputTemplate")?.as_str()?;
    serde_json::from_str(&filled_in(template, &values)).ok()
}

/// Within quotes a value is put in as text, elsewhere as JSON.
fn filled_in(template: &str, values: &[(String, Value)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    let mut quoted = false;
    while let Some(letter) = rest.chars().next() {
        let found = values.iter().find_map(|(name, value)| {
            let behind = rest.strip_prefix('<')?.strip_prefix(name.as_str())?.strip_prefix('>')?;
            Some((value, behind))
        });
        if let Some((value, behind)) = found {
            let json = match value {
                Value::String(_) => value.to_string(),
                other if quoted => Value::from(other.to_string()).to_string(),
                other => other.to_string(),
            };
            let inner = json.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
            let text = inner.filter(|_| quoted).unwrap_or(&json);
            filled.push_str(text);
            rest = behind;
            continue;
        }
        let (one, behind) = rest.split_at(letter.len_utf8());
        filled.push_str(one);
        rest = behind;
        match letter {
            '"' => quoted = !quoted,
            '\\' if quoted => {
                if let Some(escaped) = rest.chars().next() {
                    filled.push(escaped);
                    rest = rest.split_at(escaped.len_utf8()).1;
                }
            }
            _ => {}
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn given(target: Value) -> Option<Value> {
        let event = json!({"id": "1", "detail": {"digest": "sha256:0", "n": 5, "odd": "a\"b\""}});
        input(&target, &event, "rule", "arn:rule")
    }

    #[test]
    fn a_target_is_given_what_it_asks_for() {
        assert_eq!(given(json!({})).unwrap()["id"], "1");
        assert_eq!(given(json!({"Input": "{\"a\": 1}"})), Some(json!({"a": 1})));
        assert_eq!(given(json!({"InputPath": "$.detail.n"})), Some(json!(5)));
        let transformed = |template: &str| {
            given(json!({"InputTransformer": {
                "InputPathsMap": {"digest": "$.detail.digest", "n": "$.detail.n", "odd": "$.detail.odd"},
                "InputTemplate": template}}))
        };
        assert_eq!(
            transformed(
                r#"{"sourceRevisions": {"revisionValue": "<digest>", "n": <n>, "all": "n=<n>", "d": <digest>}}"#
            ),
            Some(json!({"sourceRevisions":
                {"revisionValue": "sha256:0", "n": 5, "all": "n=5", "d": "sha256:0"}}))
        );
        assert_eq!(transformed(r#"{"a": "<odd>", "b": "\"<n>"}"#), Some(json!({"a": "a\"b\"", "b": "\"5"})));
        assert_eq!(transformed(r#"{"a": "<aws.events.rule-name>"}"#), Some(json!({"a": "rule"})));
        assert_eq!(transformed("<digest"), None);
    }
}
