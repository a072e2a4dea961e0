//! HTML to lines of text. A tokenizer and a stack of open elements instead of a document tree: the work is linear in
//! the bytes, whatever is nested in what, and nothing recurses.
//!
//! Invariant: what a person does not see in a mail program does not become text.

mod style;
mod token;
mod walk;

use crate::split::Line;

/// The lines, and whether the document was deeper or longer than what is read.
pub fn to_lines(html: &str) -> (Vec<Line>, bool) {
    let kept = crate::clean::prefix(html, crate::limits::HTML_BYTES);
    let (lines, too_deep) = walk::Walk::new(&style::hiding_classes(kept)).run(kept);
    (lines, too_deep || kept.len() < html.len())
}

/// The visible text of a document, for instance of an attachment.
pub fn to_text(html: &str) -> String {
    let (lines, _) = to_lines(html);
    crate::split::join(&lines)
}

/// The visible text with its headings as Markdown, and whether there was more than is read.
pub fn to_markdown(html: &str) -> (String, bool) {
    let kept = crate::clean::prefix(html, crate::limits::HTML_BYTES);
    let (lines, too_deep) = walk::Walk::new(&style::hiding_classes(kept)).with_headings().run(kept);
    (crate::split::join(&lines), too_deep || kept.len() < html.len())
}

#[cfg(test)]
mod tests {
    use super::to_text;

    #[test]
    fn blocks_become_lines() {
        assert_eq!(
            to_text(
                "<p>Hello  <b>you</b>,</p><div>one<br>two</div><div><br></div><div>three &amp; four &eacute;&#x41;</div>"
            ),
            "Hello you,\n\none\ntwo\n\nthree & four éA"
        );
        assert_eq!(to_text("<ul><li>a<li>b</ul><ol><li>c</li><li>d</li></ol>"), "- a\n- b\n\n1. c\n2. d");
        assert_eq!(to_text("<table><tr><td>a<td>b<tr><td>c</table>"), "a\tb\nc");
        assert_eq!(to_text("<pre>a\n  b</pre>"), "a\n  b");
        assert_eq!(to_text("1 < 2 & 3 &unknown; &lt;b&gt; AT&T"), "1 < 2 & 3 &unknown; <b> AT&T");
        assert_eq!(
            to_text("<a href='https://shop.example/x'>my order</a> <a href=\"mailto:a@example.com\">a</a>"),
            "my order (https://shop.example/x) a"
        );
    }

    #[test]
    fn what_is_hidden_is_not_text() {
        for hidden in [
            "<div style='display:none'>X</div>",
            "<div style='DISPLAY : none !important'><p>X</div>",
            "<div style='d\\69splay:none'>X</div>",
            "<div style='display/**/:none'>X</div>",
            "<span style=\"visibility:hidden\">X</span>",
            "<span style='font-size:0px'>X<b>X</b></span>",
            "<span style='font-size:0px'><i style='font-size:2em'>X</i></span>",
            "<font style='opacity:0'>X</font>",
            "<div style='max-height:0;overflow:hidden'>X</div>",
            "<div style='mso-hide:all'>X</div>",
            "<font color=white>X</font>",
            "<span style='color:#fefefe'>X</span>",
            "<div style='background:#000'><span style='color:rgb(0, 0, 0)'>X</span></div>",
            "<div style='position:absolute;left:-9999px'>X</div>",
            "<span style='text-indent:-9999px'>X</span>",
            "<span style='color:transparent'>X</span>",
            "<p hidden>X</p>",
            "<div aria-hidden='TRUE'>X</div>",
            "<script>X</script><style>X</style><template>X</template><title>X</title>",
            "<!-- X --><!X><?X?></X>",
            "<!--[if mso]><p>X</p><![endif]-->",
            "<textarea hidden>X</textarea><noframes>X</noframes><iframe>X</iframe>",
            "<style>.pre, #h {display:none}</style><i class='a pre'>X</i><b id=h>X</b>",
            "<span hidden><div></span>X</div></span>",
            "<table><td hidden></div>X</td></table>",
            "<b style='display:none'><p>X</b></p>",
        ] {
            assert_eq!(to_text(&format!("a{hidden}z")).replace(['\n', '\t'], ""), "az", "{hidden}");
        }
    }

    #[test]
    fn what_is_seen_is_kept() {
        for seen in [
            "<td style='font-size:0'><div style='font-size:13px'>X</div></td>",
            "<div style='background-color:#333'><span style='color:#fff'>X</span></div>",
            "<table bgcolor='#000000'><tr><td><font color='#ffffff'>X</font></table>",
            "<div style='background:url(a.png)'><span style='color:white'>X</span></div>",
            "<style>@media print {.m {display:none}}</style><i class=m>X</i>",
            "<div style='display:none'></div>X",
            "<div style='display:none'><b></div>X",
            "<font style='font-size:0'><div></font>X</div>",
            "<p style='color:black;font-size:1.1em;opacity:0.9'>X</p>",
            "<head><meta charset=x>X",
            "<div title='>'>X</div>",
        ] {
            assert_eq!(to_text(&format!("a{seen}z")).replace(['\n', '\t'], ""), "aXz", "{seen}");
        }
    }
}
