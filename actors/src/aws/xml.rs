//! Texts out of AWS's XML.

use quick_xml::events::Event;

/// The texts of the named children of the first element called `parent`; `None` if the text is not XML or has
/// no such element.
pub(super) fn texts<const N: usize>(
    text: &str,
    parent: &str,
    names: [&str; N],
) -> Option<[Option<String>; N]> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut found = std::array::from_fn(|_| None);
    let mut open: Vec<String> = Vec::new();
    let mut seen = false;
    loop {
        let piece = match reader.read_event().ok()? {
            Event::Start(tag) => {
                let name = String::from_utf8_lossy(tag.local_name().as_ref()).into_owned();
                seen |= name == parent;
                open.push(name);
                continue;
            }
            Event::Empty(tag) if tag.local_name().as_ref() == parent.as_bytes() => return Some(found),
            Event::End(tag) => {
                open.pop();
                if tag.local_name().as_ref() == parent.as_bytes() {
                    return Some(found);
                }
                continue;
            }
            Event::Text(piece) => piece.decode().ok()?.into_owned(),
            Event::CData(piece) => piece.decode().ok()?.into_owned(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => character.to_string(),
                None => quick_xml::escape::resolve_xml_entity(&reference.decode().ok()?)?.to_owned(),
            },
            Event::Eof => return seen.then_some(found),
            _ => continue,
        };
        let [.., outer, inner] = open.as_slice() else { continue };
        let place = names.iter().position(|name| name == inner).filter(|_| outer == parent);
        if let Some(slot) = place.and_then(|place| found.get_mut(place)) {
            slot.get_or_insert_with(String::new).push_str(&piece);
        }
    }
}
