//! Java's regular expressions in the terms of Rust's `regex` crate and its relatives.
//!
//! Two things differ: in Java `\w`, `\d` and `\s` know ASCII only, and `.` stops at five line ends instead of one.

/// The expression with those differences made good; whether it can be compiled is for the crate to say.
pub fn translate(source: &str) -> String {
    let mut translated = String::with_capacity(source.len() + 16);
    let mut in_class = false;
    let mut characters = source.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('w') if in_class => translated.push_str("A-Za-z0-9_"),
                Some('w') => translated.push_str("[A-Za-z0-9_]"),
                Some('d') if in_class => translated.push_str("0-9"),
                Some('d') => translated.push_str("[0-9]"),
                Some('s') if in_class => translated.push_str(r" \t\n\x0B\f\r"),
                Some('s') => translated.push_str(r"[ \t\n\x0B\f\r]"),
                Some(other) => translated.extend(['\\', other]),
                None => translated.push('\\'),
            },
            '[' => {
                in_class = true;
                translated.push('[');
            }
            ']' => {
                in_class = false;
                translated.push(']');
            }
            '.' if !in_class => translated.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            // Inside a class the crate reads `&&`, `--` and `~~` as set operations; Java only the first.
            '~' if in_class => translated.push_str(r"\~"),
            other => translated.push(other),
        }
    }
    translated
}
