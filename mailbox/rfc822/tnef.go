package rfc822

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
)

// Limits on what is unpacked of one TNEF container.
const (
	maxTNEFProps = 4096    // MAPI properties of one block
	maxRTF       = 4 << 20 // bytes of a decompressed RTF body
	maxTNEFDepth = 3       // messages in messages
)

// tnefFile is a file in a container; its content points into it.
type tnefFile struct {
	name, long string
	typ, id    string // claimed media type, Content-ID
	content    []byte
}

// tnef is what Outlook puts into "winmail.dat" ([MS-OXTNEF]): the attachments
// of the mail and its body in forms that other mailers do not have.
type tnef struct {
	files           []tnefFile
	text, html, rtf []byte
	charset         string
	depth           int
}

// Attributes, [MS-OXTNEF] section 2.1.3.2, and properties, [MS-OXPROPS].
const (
	tnefSignature   = 0x223e9f78
	attBody         = 0x800c
	attAttachData   = 0x800f
	attAttachTitle  = 0x8010
	attMessageProps = 0x9003
	attAttachRend   = 0x9002
	attAttachment   = 0x9005
	attCodepage     = 0x9007

	propBody         = 0x1000
	propRTF          = 0x1009
	propHTML         = 0x1013
	propDisplayName  = 0x3001
	propAttachData   = 0x3701
	propFilename     = 0x3704
	propLongFilename = 0x3707
	propMimeTag      = 0x370e
	propContentID    = 0x3712
)

// isTNEF reports whether b begins like a container.
func isTNEF(b []byte) bool {
	return len(b) > 6 && binary.LittleEndian.Uint32(b) == tnefSignature
}

// readTNEF reads a container. It takes what it can of a damaged one: work and
// memory are linear in its size.
func readTNEF(b []byte, depth int) tnef {
	t := tnef{depth: depth}
	if !isTNEF(b) {
		return t
	}
	for b = b[6:]; len(b) >= 11; {
		id := binary.LittleEndian.Uint16(b[1:])
		n := int64(binary.LittleEndian.Uint32(b[5:]))
		b = b[9:]
		if b2 := int64(len(b)); n > b2 {
			n = b2
		}
		t.attribute(id, b[:n])
		b = b[n:]
		if len(b) < 2 {
			break
		}
		b = b[2:] // a checksum, which tells nothing worth losing a file for
	}
	return t
}

func (t *tnef) attribute(id uint16, v []byte) {
	switch id {
	case attCodepage:
		if len(v) >= 4 {
			t.charset = codepageName(binary.LittleEndian.Uint32(v))
		}
	case attBody:
		t.text = bytes.TrimRight(v, "\x00")
	case attMessageProps:
		eachProp(v, t.messageProp)
	case attAttachRend:
		if len(t.files) < maxAttachments {
			t.files = append(t.files, tnefFile{})
		}
	case attAttachTitle:
		if f := t.last(); f != nil {
			f.name = t.str(v)
		}
	case attAttachData:
		if f := t.last(); f != nil {
			f.content = v
		}
	case attAttachment:
		eachProp(v, t.fileProp)
	}
}

func (t *tnef) last() *tnefFile {
	if len(t.files) == 0 {
		t.files = append(t.files, tnefFile{})
	}
	return &t.files[len(t.files)-1]
}

func (t *tnef) messageProp(id, typ uint16, v []byte) {
	switch id {
	case propBody:
		t.text = []byte(t.propString(typ, v))
		if t.charset != "" && typ == 0x1f {
			t.charset = "utf-8"
		}
	case propHTML:
		t.html = bytes.TrimRight(v, "\x00")
	case propRTF:
		t.rtf = v
	}
}

func (t *tnef) fileProp(id, typ uint16, v []byte) {
	f := t.last()
	switch id {
	case propLongFilename:
		f.long = t.propString(typ, v)
	case propFilename, propDisplayName:
		if f.name == "" || id == propFilename && f.long == "" {
			f.name = t.propString(typ, v)
		}
	case propMimeTag:
		f.typ = lowerASCII(t.propString(typ, v))
	case propContentID:
		f.id = t.propString(typ, v)
	case propAttachData:
		if typ == 0x0d && len(v) > 16 { // an object: the id of its interface comes first
			v = v[16:]
			if isTNEF(v) && t.depth < maxTNEFDepth {
				inner := readTNEF(v, t.depth+1)
				t.files = append(t.files, inner.files[:min(len(inner.files), maxAttachments-len(t.files))]...)
				return
			}
		}
		f.content = v
	}
}

func (t *tnef) propString(typ uint16, v []byte) string {
	if typ != 0x1f {
		return t.str(v)
	}
	units := make([]uint16, 0, len(v)/2)
	for i := 0; i+1 < len(v); i += 2 {
		u := binary.LittleEndian.Uint16(v[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}

func (t *tnef) str(v []byte) string {
	v, _, _ = bytes.Cut(v, []byte{0})
	s, _ := decodeCharset(v, t.charset)
	return s
}

// codepageName turns the number of a Windows code page into a charset name.
func codepageName(n uint32) string {
	switch {
	case n >= 1250 && n <= 1258:
		return "windows-125" + string(rune('0'+n-1250))
	case n == 932:
		return "shift_jis"
	case n == 936:
		return "gb18030"
	case n == 949:
		return "euc-kr"
	case n == 950:
		return "big5"
	case n == 874:
		return "windows-874"
	case n == 65001:
		return "utf-8"
	case n == 20866:
		return "koi8-r"
	}
	return ""
}

// propReader reads a block of MAPI properties ([MS-OXTNEF] section 2.1.3.5.2).
type propReader struct {
	b  []byte
	ok bool
}

func (r *propReader) u32() int64 {
	v := r.take(4)
	if v == nil {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(v))
}

func (r *propReader) take(n int64) []byte {
	if n < 0 || n > int64(len(r.b)) {
		r.ok = false
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

// padded takes n bytes and what fills them up to a multiple of four.
func (r *propReader) padded(n int64) []byte {
	v := r.take(n)
	if r.ok {
		r.take(min((4-n%4)%4, int64(len(r.b))))
	}
	return v
}

// eachProp calls f with the first value of each property.
func eachProp(b []byte, f func(id, typ uint16, v []byte)) {
	r := &propReader{b: b, ok: true}
	n := r.u32()
	for range min(n, maxTNEFProps) {
		head := r.u32()
		typ, id := uint16(head), uint16(head>>16)
		if id >= 0x8000 {
			r.named()
		}
		v := r.values(typ)
		if !r.ok {
			return
		}
		if id < 0x8000 {
			f(id, typ, v)
		}
	}
}

// named passes over the name of a property that has one.
func (r *propReader) named() {
	r.take(16)
	if r.u32() == 0 {
		r.take(4)
		return
	}
	r.padded(r.u32())
}

// values passes over all values of a property and returns the first one.
func (r *propReader) values(typ uint16) (first []byte) {
	size := int64(0)
	switch typ &^ 0x1000 {
	case 0x02, 0x03, 0x04, 0x0a, 0x0b:
		size = 4
	case 0x05, 0x06, 0x07, 0x14, 0x40:
		size = 8
	case 0x48:
		size = 16
	case 0x0d, 0x1e, 0x1f, 0x102:
	case 0x00, 0x01:
		return nil
	default:
		r.ok = false
		return nil
	}
	count := int64(1)
	if size == 0 || typ&0x1000 != 0 {
		count = r.u32()
	}
	for i := int64(0); i < count && r.ok; i++ {
		n := size
		if size == 0 {
			n = r.u32()
		}
		if v := r.padded(n); i == 0 {
			first = v
		}
	}
	return first
}

// rtfPreset is the dictionary that compressed RTF starts with ([MS-OXRTFCP]
// section 2.1.3.1.1).
const rtfPreset = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript " +
	"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par " +
	"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// decompressRTF undoes [MS-OXRTFCP]. It returns nil for what is no such text.
func decompressRTF(b []byte) []byte {
	if len(b) < 16 {
		return nil
	}
	kind := string(b[8:12])
	size := min(int64(binary.LittleEndian.Uint32(b[4:])), maxRTF)
	b = b[16:]
	if kind == "MELA" {
		return b[:min(size, int64(len(b)))]
	}
	if kind != "LZFu" {
		return nil
	}
	var dict [4096]byte
	w := copy(dict[:], rtfPreset)
	out := make([]byte, 0, min(size, int64(len(b))*8))
	put := func(c byte) {
		out = append(out, c)
		dict[w] = c
		w = (w + 1) % len(dict)
	}
	for len(b) > 0 && int64(len(out)) < size {
		flags := b[0]
		b = b[1:]
		for bit := 0; bit < 8 && len(b) > 0; bit++ {
			if flags>>bit&1 == 0 {
				put(b[0])
				b = b[1:]
				continue
			}
			if len(b) < 2 {
				return out
			}
			ref := int(b[0])<<8 | int(b[1])
			b = b[2:]
			from, n := ref>>4, ref&15+2
			if from == w {
				return out
			}
			for i := range n {
				put(dict[(from+i)%len(dict)])
			}
		}
	}
	return out
}

// fileName returns the name of a file in a container: the long one counts.
func (f *tnefFile) fileName() string {
	if strings.TrimSpace(f.long) != "" {
		return f.long
	}
	return f.name
}
