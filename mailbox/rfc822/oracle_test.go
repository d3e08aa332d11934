package rfc822

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/helpdesk-go/helpdesk/ticket"
)

// checkStrings returns what is wrong with the strings of a parsed mail.
func checkStrings(in *ticket.Inbound) error {
	all := []string{in.MessageID, in.Subject, in.BaseSubject, in.Text, in.HTML, in.ListID, in.Marker, in.Sender.Name, in.Sender.Addr}
	lines := []string{in.Subject}
	all = append(append(all, in.InReplyTo...), in.References...)
	for _, list := range [][]ticket.Address{in.From, in.ReplyTo, in.To, in.Cc, in.Delivered} {
		if len(list) > maxAddresses {
			return fmt.Errorf("%d addresses", len(list))
		}
		for _, a := range list {
			all = append(all, a.Name, a.Addr)
			lines = append(lines, a.Name, a.Addr)
		}
	}
	for i, a := range in.Attachments {
		all = append(all, a.Name, a.Type, a.ContentID)
		if a.Index != i || a.Name == "" || len(a.Name) > maxNameBytes || safeName(a.Name) != a.Name || strings.ContainsAny(a.Name, "/\\") {
			return fmt.Errorf("attachment name %q", a.Name)
		}
		if strings.Contains(a.Type, "html") || strings.Contains(a.Type, "svg") || strings.HasSuffix(a.Type, "xml") {
			return fmt.Errorf("attachment type %q", a.Type)
		}
	}
	for _, s := range all {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("invalid string %.80q", s)
		}
	}
	for _, s := range lines {
		if cleanLine(s) != s {
			return fmt.Errorf("unclean line %.80q", s)
		}
	}
	if len(in.References) > maxReferences || len(in.InReplyTo) > maxReferences || len(in.Attachments) > maxAttachments {
		return fmt.Errorf("limits passed")
	}
	if y := in.Date.Year(); y < 1 || y > 9999 {
		return fmt.Errorf("date %v", in.Date)
	}
	return nil
}

var oracleAttrs = map[string]bool{"style": true, "href": true, "rel": true, "target": true, "src": true, "align": true, "valign": true,
	"dir": true, "lang": true, "type": true, "width": true, "height": true, "border": true, "cellpadding": true, "cellspacing": true,
	"colspan": true, "rowspan": true, "start": true, "span": true, "bgcolor": true, "color": true, "face": true, "size": true, "title": true, "alt": true}

// checkHTML reads sanitised HTML with a second parser and returns what should
// not be there. Images are expected under /inline/ only.
func checkHTML(s string) error {
	if len(s) > maxHTMLOut+1024 {
		return fmt.Errorf("%d bytes", len(s))
	}
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: 0x2804}
	nodes, err := html.ParseFragment(strings.NewReader(s), body)
	if err != nil {
		return err
	}
	for len(nodes) > 0 {
		n := nodes[len(nodes)-1]
		nodes = nodes[:len(nodes)-1]
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			nodes = append(nodes, c)
		}
		if n.Type == html.CommentNode || n.Type == html.DoctypeNode {
			return fmt.Errorf("comment or doctype")
		}
		if n.Type != html.ElementNode {
			continue
		}
		if n.Namespace != "" || !allowedTags[n.Data] {
			return fmt.Errorf("element %q", n.Data)
		}
		if err := checkAttrs(n); err != nil {
			return err
		}
	}
	return nil
}

func checkAttrs(n *html.Node) error {
	for _, a := range n.Attr {
		low := strings.ToLower(a.Val)
		switch {
		case !oracleAttrs[a.Key] || a.Namespace != "":
			return fmt.Errorf("attribute %q", a.Key)
		case a.Key == "style" && (strings.Contains(low, "url") || strings.Contains(low, "expression") || strings.ContainsAny(low, "\\@<>{}") || strings.Contains(low, "position")):
			return fmt.Errorf("style %q", a.Val)
		case a.Key == "src" && (n.Data != "img" || !strings.HasPrefix(low, "/inline/")):
			return fmt.Errorf("src %q", a.Val)
		case a.Key == "href" && (n.Data != "a" || !strings.HasPrefix(low, "http://") && !strings.HasPrefix(low, "https://") && !strings.HasPrefix(low, "mailto:") && !strings.HasPrefix(low, "tel:")):
			return fmt.Errorf("href %q", a.Val)
		}
	}
	if n.Data == "a" {
		for _, a := range n.Attr {
			if a.Key == "rel" && a.Val == "noopener noreferrer nofollow" {
				return nil
			}
		}
		return fmt.Errorf("link without rel")
	}
	return nil
}

func inlineForTest(id string) string { return "/inline/" + fmt.Sprintf("%x", id) }

// checkSanitize sanitises doc and returns what the oracle says.
func checkSanitize(doc string) error {
	with, _ := Sanitize(doc, SanitizeOptions{Inline: inlineForTest})
	if err := checkHTML(with.String()); err != nil {
		return err
	}
	once, res := Sanitize(doc, SanitizeOptions{})
	twice, _ := Sanitize(once.String(), SanitizeOptions{})
	if once != twice && !res.Truncated {
		return fmt.Errorf("not idempotent:\n%.600q\n%.600q", once, twice)
	}
	if !utf8.ValidString(once.String()) {
		return fmt.Errorf("invalid UTF-8")
	}
	return nil
}
