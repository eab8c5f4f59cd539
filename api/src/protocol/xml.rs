//! Text in XML.

use quick_xml::escape::escape;

/// Escaped, and without what XML 1.0 cannot hold. A carriage return is written as a reference, since a
/// parser would make a line feed of it.
pub(crate) fn text(text: &str) -> String {
    let allowed: String = text
        .chars()
        .map(|character| match character {
            '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'.. => character,
            _ => '\u{FFFD}',
        })
        .collect();
    escape(allowed.as_str()).replace('\r', "&#13;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_do_not_get_through() {
        assert_eq!(text("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&apos;");
        assert_eq!(text("a\u{0}b\u{1b}\u{FFFF}"), "a\u{FFFD}b\u{FFFD}\u{FFFD}");
        assert_eq!(text("a\r\n\tb \u{1F600}"), "a&#13;\n\tb \u{1F600}");
    }
}
