//! Writes HTML. What is part of the page is `&'static str`; all else is text, escaped. That a label
//! could ever be taken for a part of the page does not compile.

use std::fmt::Display;

/// No text that is shown is longer, in characters.
const LONGEST: usize = 120;

/// Nor one that is shown when pointed at.
const LONGEST_TITLE: usize = 400;

/// A page under way.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Adds a part of the page.
    pub(super) fn raw(&mut self, part: &'static str) -> &mut Self {
        self.0.push_str(part);
        self
    }

    /// Adds a text of the exporter's own, a number for example.
    pub(super) fn text(&mut self, text: impl Display) -> &mut Self {
        escape(&text.to_string(), LONGEST_TITLE, &mut self.0);
        self
    }

    /// Adds a text of others. What it does to the direction of writing ends with it, and where it is
    /// cut, the whole is its title.
    pub(super) fn foreign(&mut self, text: &str) -> &mut Self {
        if text.chars().nth(LONGEST).is_some() {
            self.raw("<bdi title=\"");
            escape(text, LONGEST_TITLE, &mut self.0);
            self.raw("\">");
        } else {
            self.raw("<bdi>");
        }
        escape(text, LONGEST, &mut self.0);
        self.raw("</bdi>")
    }

    /// Adds the name of a metric, which may be broken after an underscore.
    pub(super) fn metric(&mut self, name: &str) -> &mut Self {
        self.raw("<bdi>");
        for part in name.split_inclusive('_') {
            escape(part, LONGEST, &mut self.0);
            self.raw(if part.ends_with('_') { "<wbr>" } else { "" });
        }
        self.raw("</bdi>")
    }

    /// Adds an id: of a long one the first digits, by which people know it.
    pub(super) fn id(&mut self, id: &str) -> &mut Self {
        const DIGITS: usize = 12;
        let first = id
            .char_indices()
            .nth(DIGITS)
            .and_then(|(at, _)| id.get(..at));
        self.raw("<bdi class=\"mono\" title=\"");
        escape(id, LONGEST_TITLE, &mut self.0);
        self.raw("\">");
        escape(first.unwrap_or(id), LONGEST, &mut self.0);
        self.raw("</bdi>")
    }

    /// The page.
    pub(super) fn done(self) -> String {
        self.0
    }
}

/// Text that says the same in an element and in a quoted attribute. Characters that nobody sees, but
/// for spaces, become U+FFFD.
fn escape(text: &str, longest: usize, out: &mut String) {
    for (at, c) in text.chars().enumerate() {
        if at == longest {
            out.push('…');
            return;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign(text: &str) -> String {
        let mut html = Html::default();
        html.foreign(text);
        html.done()
    }

    #[test]
    fn escapes_what_html_would_read() {
        let hostile = "</title><script>alert('x')</script>\" onload=\"&amp;\0\u{7}";
        assert_eq!(
            foreign(hostile),
            "<bdi>&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; \
             onload=&quot;&amp;amp;\u{fffd}\u{fffd}</bdi>"
        );
    }

    #[test]
    fn shows_the_first_digits_of_an_id() {
        let id = |id| {
            let mut html = Html::default();
            html.id(id);
            html.done()
        };
        let long = "<bdi class=\"mono\" title=\"0123456789ab'cdef\">0123456789ab</bdi>";
        assert_eq!(id("0123456789ab'cdef"), long.replace('\'', "&#39;"));
        assert_eq!(id("<"), "<bdi class=\"mono\" title=\"&lt;\">&lt;</bdi>");
    }

    #[test]
    fn cuts_what_has_no_end() {
        let long = "\"".repeat(1_000_000);
        let (title, shown) = ("&quot;".repeat(LONGEST_TITLE), "&quot;".repeat(LONGEST));
        assert_eq!(foreign(&long), format!("<bdi title=\"{title}…\">{shown}…</bdi>"));
        let fits = "ä".repeat(LONGEST);
        assert_eq!(foreign(&fits), format!("<bdi>{fits}</bdi>"));
    }
}
