//! HTML made into text: quotes become `>` lines, also those that mail programs mark in their own ways; links show
//! where they go, everything else is dropped.
//!
//! Never fetches, never keeps a script, style, image or a target other than http and https. The HTML is first
//! rebuilt from the few tags that matter, in one pass and with bounded nesting, because what stands in a mail may be
//! made to cost time. Never fails: where the renderer gives up, the tags are only taken out.

mod clients;

use super::decode;
use clients::Quote;

/// Bytes of HTML that are looked at.
const HTML_MAX_BYTES: usize = 1024 * 1024;

/// Nested quotes that are kept apart.
const QUOTES_MAX: usize = 8;

/// Tags that are rebuilt; the text behind them is kept, the layout is not.
const TAGS_MAX: usize = 20_000;

/// Columns: wide, so that lines stay as their writer broke them.
const COLUMNS: usize = 1000;

/// Elements whose content is not text for a reader.
const DROPPED: [&str; 9] = ["script", "style", "title", "template", "svg", "math", "iframe", "object", "noscript"];

/// Elements that stand on lines of their own.
const LINES: [&str; 14] =
    ["div", "tr", "table", "ul", "ol", "dl", "dt", "dd", "hr", "section", "article", "header", "footer", "form"];

/// Elements with an empty line around them.
const PARAGRAPHS: [&str; 7] = ["p", "h1", "h2", "h3", "h4", "h5", "h6"];

/// The text of an HTML body.
#[must_use]
pub fn to_text(html: &str) -> String {
    let plain = rebuild(decode::cut(html, HTML_MAX_BYTES));
    let rendered = html2text::config::plain_no_decorate().string_from_read(plain.as_bytes(), COLUMNS);
    rendered.unwrap_or_else(|_| decode::html_without_tags(&plain))
}

/// The HTML with only `p`, `br`, `blockquote` and `pre`, without attributes.
fn rebuild(html: &str) -> String {
    let mut out = Rebuilt::default();
    let mut rest = html;
    while let Some((text, tail)) = rest.split_once('<') {
        out.text(text);
        rest = out.markup(tail);
    }
    out.text(rest);
    out.finish()
}

#[derive(Default)]
struct Rebuilt {
    html: String,
    tags: usize,
    quotes: usize,
    pre: bool,
    /// Elements that are quotes: the name, how many of that name are open, the quotes that were open before.
    quoting: Vec<(String, usize, usize)>,
    /// Quotes that stay open to the end of the mail.
    lasting: usize,
    /// Whether something visible stands on the present line.
    line_open: bool,
    /// The target of the link that is open, and where its text began.
    link: Option<(String, usize)>,
}

impl Rebuilt {
    fn text(&mut self, text: &str) {
        self.line_open |= !text.trim().is_empty();
        // A `>` outside of a tag is text (HTML, data state); as an entity each one would cost the renderer dearly.
        self.html.push_str(text);
    }

    /// Takes what follows a `<` and gives back what follows the markup.
    fn markup<'a>(&mut self, tail: &'a str) -> &'a str {
        if let Some(comment) = tail.strip_prefix("!--") {
            return comment.split_once("-->").map_or("", |(_, rest)| rest);
        }
        let closing = tail.starts_with('/');
        let body = tail.strip_prefix('/').unwrap_or(tail);
        if body.starts_with(['!', '?']) {
            return body.split_once('>').map_or("", |(_, rest)| rest);
        }
        if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.text("&lt;");
            return tail;
        }
        let (inside, rest) = split_tag(body);
        let name_end = inside.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(inside.len());
        let (name, attributes) = inside.split_at_checked(name_end).unwrap_or((inside, ""));
        let name = name.to_ascii_lowercase();
        if DROPPED.contains(&name.as_str()) {
            return if closing { rest } else { after_element(rest, &name) };
        }
        self.tags += 1;
        if self.tags <= TAGS_MAX {
            self.tag(&name, attributes, closing);
        } else {
            self.html.push(' ');
        }
        rest
    }

    fn tag(&mut self, name: &str, attributes: &str, closing: bool) {
        self.element(name, closing);
        if !closing && self.lasting == 0 {
            self.marked(name, clients::quote(name, attributes));
        }
        match (name, closing) {
            ("br", _) => self.line_break(),
            ("blockquote", false) if self.quotes < QUOTES_MAX => self.quote(1),
            ("blockquote", true) if self.quotes > self.kept() => self.quote(-1),
            ("pre", false) if !self.pre => self.preformatted("<pre>"),
            ("pre", true) if self.pre => self.preformatted("</pre>"),
            ("a", false) => self.link = target(attributes).map(|url| (url, self.html.len())),
            ("a", true) => self.end_link(),
            ("li", false) => {
                self.new_line();
                self.html.push_str("* ");
            }
            ("td" | "th", _) => self.html.push(' '),
            (name, _) if PARAGRAPHS.contains(&name) && !self.pre => {
                self.html.push_str("<p>");
                self.line_open = false;
            }
            (name, _) if LINES.contains(&name) => self.new_line(),
            _ => {}
        }
    }

    /// Quotes that the end of a `blockquote` does not end.
    fn kept(&self) -> usize {
        self.quoting.last().map_or(0, |(_, _, before)| before + 1).max(self.lasting)
    }

    /// Counts the elements of the name of the innermost one that is a quote, and ends that one.
    fn element(&mut self, name: &str, closing: bool) {
        let Some((quoting, open, before)) = self.quoting.last_mut() else { return };
        if quoting != name {
            return;
        }
        *open = if closing { open.saturating_sub(1) } else { *open + 1 };
        if *open > 0 {
            return;
        }
        let before = (*before).max(self.lasting);
        self.quoting.pop();
        // The tag that began this one was counted as one more within the outer one.
        if let Some((_, open, _)) = self.quoting.last_mut().filter(|(outer, _, _)| outer == name) {
            *open = open.saturating_sub(1);
        }
        while self.quotes > before {
            self.quote(-1);
        }
    }

    /// Begins a quote that a mail program marks in its own way.
    fn marked(&mut self, name: &str, quote: Option<Quote>) {
        match quote {
            Some(Quote::Element) if self.quotes < QUOTES_MAX => {
                self.quoting.push((name.to_owned(), 1, self.quotes));
                self.quote(1);
            }
            Some(Quote::Rest) => {
                if self.quotes < QUOTES_MAX {
                    self.quote(1);
                }
                self.lasting = self.quotes;
            }
            Some(Quote::Element) | None => {}
        }
    }

    fn new_line(&mut self) {
        if self.line_open {
            self.line_break();
        }
    }

    fn line_break(&mut self) {
        self.html.push_str(if self.pre { "\n" } else { "<br>" });
        self.line_open = false;
    }

    fn quote(&mut self, step: isize) {
        self.close_pre();
        self.html.push_str(if step > 0 { "<blockquote>" } else { "</blockquote>" });
        self.quotes = self.quotes.saturating_add_signed(step);
        self.line_open = false;
    }

    fn preformatted(&mut self, tag: &str) {
        self.html.push_str(tag);
        self.pre = tag == "<pre>";
        self.line_open = false;
    }

    fn close_pre(&mut self) {
        if self.pre {
            self.preformatted("</pre>");
        }
    }

    /// Shows where a link goes, unless its text says so.
    fn end_link(&mut self) {
        let Some((url, start)) = self.link.take() else { return };
        let shown = self.html.get(start..).unwrap_or_default();
        let said = shown.trim().trim_end_matches('/').trim_start_matches("https://").trim_start_matches("http://");
        let goes = url.trim_end_matches('/').trim_start_matches("https://").trim_start_matches("http://");
        if !shown.trim().is_empty() && said != goes {
            self.html.push_str(&format!(" &lt;{}&gt;", url.replace('<', "&lt;").replace('>', "&gt;")));
        }
    }

    fn finish(mut self) -> String {
        self.close_pre();
        while self.quotes > 0 {
            self.quote(-1);
        }
        self.html
    }
}

/// Splits at the `>` that ends a tag; one between quotation marks does not.
fn split_tag(body: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in body.char_indices() {
        match (quote, c) {
            (None, '>') => return (body.get(..at).unwrap_or_default(), body.get(at + 1..).unwrap_or_default()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    (body, "")
}

/// What follows the end of an element whose content is dropped; nothing when it never ends.
fn after_element<'a>(text: &'a str, name: &str) -> &'a str {
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once("</") {
        if tail.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return split_tag(tail).1;
        }
        rest = tail;
    }
    ""
}

/// The `href` of a link, when it is http or https.
fn target(attributes: &str) -> Option<String> {
    let at = attributes.to_ascii_lowercase().find("href")?;
    let value = attributes.get(at + 4..)?.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        _ => value.split_ascii_whitespace().next()?,
    };
    let value = value.trim();
    let scheme = value.split(':').next()?.to_ascii_lowercase();
    let shown = matches!(scheme.as_str(), "http" | "https") && !value.contains(char::is_whitespace);
    (shown && value.len() <= 2000).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str) -> String {
        to_text(html).lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
    }

    #[test]
    fn scripts_styles_images_and_script_targets_are_gone() {
        let html = "<html><head><title>t</title><style>p{}</style></head><body onload=x()><script>alert('</p>')</script>\
                    a<img src=http://track/1.png alt=pixel><a href=\"javascript:alert(1)\">b</a>\
                    <a href='JaVaScRiPt:x'>c</a><ScRiPt src=x>d</sCrIpT >e<!-- <b>f</b> --></body>";
        assert_eq!(text(html), "abce");
    }

    #[test]
    fn links_show_where_they_go_once() {
        assert_eq!(text("<a href=\"https://x.example/a?b=1\">here</a>"), "here <https://x.example/a?b=1>");
        assert_eq!(text("<a href=https://x.example/>x.example</a>"), "x.example");
    }

    #[test]
    fn quotes_and_lines_survive() {
        let html = "<div>Yes.</div><div><br></div><div>On Monday Bo wrote:</div><blockquote><div>one</div><div>two &amp; \
                    &lt;b&gt;</div></blockquote><p>end</p><ul><li>x<li>y</ul>";
        let lines: Vec<String> = text(html).lines().filter(|l| !l.is_empty()).map(str::to_owned).collect();
        assert_eq!(lines, ["Yes.", "On Monday Bo wrote:", "> one", "> two & <b>", "end", "* x", "* y"]);
    }

    #[test]
    fn quotes_that_mail_programs_mark_in_their_own_ways_become_quotes() {
        let lines =
            |html: &str| -> Vec<String> { text(html).lines().filter(|l| l.len() > 1).map(str::to_owned).collect() };
        for (html, wanted) in [
            (
                "Yes.<div class=\"yahoo_quoted\"><div>Bo:</div><div>old</div></div><div>end</div>",
                vec!["Yes.", "> Bo:", "> old", "end"],
            ),
            (
                "<p>Yes.</p><hr><div id=divRplyFwdMsg><b>Od:</b> Bo</div><div>old</div></div></blockquote><p>older",
                vec!["Yes.", "> Od: Bo", "> old", "> older"],
            ),
            (
                "Yes.<div class=moz-cite-prefix>Bo:<br></div><blockquote type=cite>old</blockquote>No.<blockquote>x</blockquote>",
                vec!["Yes.", "> Bo:", "> old", "No.", "> x"],
            ),
            ("Yes<div name=quote><blockquote>older</div>end</blockquote>", vec!["Yes", "> > older", "end"]),
            ("a<div class=yahoo_quoted>b<div class=yahoo_quoted>c</div>d</div>e", vec!["> b", "> > c", "> d"]),
            (
                "Yes.<div class=gmail_quote><div class=gmail_attr>Bo:</div><blockquote>a</blockquote>No.<blockquote>b</blockquote></div>",
                vec!["Yes.", "> Bo:", "> a", "No.", "> b"],
            ),
            (
                "Yes.<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in'><p><b>Sendt:</b> x</p></div><p>old</p>",
                vec!["Yes.", "> Sendt: x", "> old"],
            ),
        ] {
            assert_eq!(lines(html), wanted, "{html}");
        }
    }

    #[test]
    fn preformatted_text_keeps_its_lines() {
        assert_eq!(text("<pre>a\n  b</pre>c"), "a\n  b\n\nc");
    }

    #[test]
    fn hostile_nesting_costs_little_and_keeps_the_words() {
        for tag in [
            "<blockquote>",
            "<div>",
            "<table><tr><td>",
            "<b><a href=http://a>",
            "<pre>",
            "<ul><li>",
            "<p>",
            "<div class=yahoo_quoted>",
            "<hr id=stopSpelling>",
        ] {
            let html = format!("{}word", tag.repeat(40_000));
            assert!(text(&html).contains("word"), "{tag}");
        }
        assert!(to_text(&"<".repeat(500_000)).contains('<'));
        assert!(to_text(&"<!--".repeat(200_000)).trim().is_empty());
        assert!(to_text(&"<script>".repeat(100_000)).trim().is_empty());
    }
}
