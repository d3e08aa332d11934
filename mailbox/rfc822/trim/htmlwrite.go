package trim

import "strings"

// serialise writes what was not cut: each tag and text as it came, end tags
// where authors left them out, no element of which nothing is left.
func (t *htmlTree) serialise() string {
	w := htmlWriter{tree: t, kept: make([]int32, len(t.leaves)+1)}
	for i := range t.leaves {
		w.kept[i+1] = w.kept[i]
		if !t.leaves[i].cut {
			w.kept[i+1]++
		}
	}
	w.out.Grow(len(t.doc))
	stack := []int32{0}
	for i := 1; i < len(t.elements); i++ {
		for e := &t.elements[i]; stack[len(stack)-1] != e.parent; stack = stack[:len(stack)-1] {
			w.close(stack[len(stack)-1])
		}
		w.open(int32(i))
		stack = append(stack, int32(i))
	}
	for ; len(stack) > 1; stack = stack[:len(stack)-1] {
		w.close(stack[len(stack)-1])
	}
	w.leaves(int32(len(t.leaves)))
	return w.out.String()
}

type htmlWriter struct {
	tree *htmlTree
	out  strings.Builder
	next int32   // the next leaf to write
	kept []int32 // how many of the leaves before each are kept
}

// written reports whether an element is written: something of it is left, or
// it was empty and does not stand amid what was cut.
func (w *htmlWriter) written(e *htmlElement) bool {
	switch {
	case e.tag == "":
		return false
	case e.from < e.to:
		return w.kept[e.to] > w.kept[e.from]
	}
	n := int32(len(w.tree.leaves))
	before := e.from > 0 && w.tree.leaves[e.from-1].cut
	after := e.from < n && w.tree.leaves[e.from].cut
	return !(before && (after || e.from == n)) && !(after && e.from == 0)
}

func (w *htmlWriter) leaves(to int32) {
	for ; w.next < to; w.next++ {
		if l := &w.tree.leaves[w.next]; !l.cut {
			w.out.WriteString(w.tree.doc[l.start:l.end])
		}
	}
}

func (w *htmlWriter) open(i int32) {
	e := &w.tree.elements[i]
	w.leaves(e.from)
	if w.written(e) {
		w.out.WriteString(w.tree.doc[e.start:e.end])
	}
}

func (w *htmlWriter) close(i int32) {
	e := &w.tree.elements[i]
	w.leaves(e.to)
	if w.written(e) {
		w.out.WriteString("</" + e.tag + ">")
	}
}
