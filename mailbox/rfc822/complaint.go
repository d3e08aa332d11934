package rfc822

// complaintEvidence recognises an abuse report (RFC 5965).
func complaintEvidence(root *part) (ev []string) {
	if root.declared == "multipart/report" && equalFold(root.params.get("report-type"), "feedback-report") {
		ev = append(ev, "feedback-report")
	}
	eachLeaf(root, func(pt *part) {
		if pt.declared == "message/feedback-report" && len(ev) < 2 {
			ev = append(ev, "message/feedback-report")
		}
	})
	return ev
}

// eachLeaf calls f with the parts that have a body, in order.
func eachLeaf(pt *part, f func(*part)) {
	if len(pt.children) == 0 {
		f(pt)
		return
	}
	for _, c := range pt.children {
		eachLeaf(c, f)
	}
}
