package rfc822

import "strings"

// unflow joins the soft line breaks of format=flowed (RFC 3676), so that
// quoted lines stay one line with one quote mark.
func unflow(s string, delsp bool) string {
	var out strings.Builder
	out.Grow(len(s))
	depth, open := 0, false
	for line := range strings.SplitSeq(s, "\n") {
		d := 0
		for d < len(line) && line[d] == '>' {
			d++
		}
		content := strings.TrimPrefix(line[d:], " ")
		if open && d == depth && content != "-- " {
			// continues the line before
		} else {
			if out.Len() > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(line[:d])
			if d > 0 && content != "" {
				out.WriteByte(' ')
			}
		}
		depth = d
		open = strings.HasSuffix(content, " ") && content != "-- "
		if open && delsp {
			content = content[:len(content)-1]
		}
		out.WriteString(content)
	}
	return out.String()
}
