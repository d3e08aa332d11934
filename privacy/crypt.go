package privacy

import (
	"bytes"
	"compress/flate"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	streaming "github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"github.com/helpdesk-go/helpdesk/ticket"
)

const keySize = 32

// bind is the associated data of an object: every field with its length, so
// that no two objects share it.
func bind(header []byte, o Object) []byte {
	b := make([]byte, 0, 96+len(o.Tenant))
	b = append(b, header...)
	for _, f := range [][]byte{[]byte(o.Tenant), o.Mailbox[:], o.ID[:], []byte(o.Class)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(f)))
		b = append(b, f...)
	}
	return b
}

// objectKey derives the key of one object, so that a slot's key never
// encrypts anything by itself and the random nonces of one ticket do not add
// up under one key (RFC 5869).
func objectKey(slot []byte, o Object, use string) ([]byte, error) {
	return hkdf.Key(sha256.New, slot, o.ID[:], "helpdesk/"+use+"/"+string(o.Class), keySize)
}

func header(key ticket.ID, flags byte) []byte {
	h := make([]byte, 0, sealedHeader)
	h = append(h, sealedVersion, suiteAES256GCM, flags)
	return append(h, key[:]...)
}

// seal encrypts plain as object o under the slot's key.
func seal(slot []byte, key ticket.ID, o Object, plain []byte) (Sealed, error) {
	var flags byte
	if small, ok := deflate(o.Class, plain); ok {
		plain, flags = small, flagDeflate
	}
	k, err := objectKey(slot, o, "object")
	if err != nil {
		return nil, fmt.Errorf("privacy: deriving an object key: %w", err)
	}
	aead, err := subtle.NewAESGCM(k)
	if err != nil {
		return nil, fmt.Errorf("privacy: %w", err)
	}
	h := header(key, flags)
	ct, err := aead.Encrypt(plain, bind(h, o))
	if err != nil {
		return nil, fmt.Errorf("privacy: %w", err)
	}
	return append(h, ct...), nil
}

// open decrypts what seal made, or returns ErrSealed.
func open(slot []byte, o Object, s Sealed) ([]byte, error) {
	if len(s) < sealedHeader || s[0] != sealedVersion || s[1] != suiteAES256GCM {
		return nil, ErrSealed
	}
	k, err := objectKey(slot, o, "object")
	if err != nil {
		return nil, ErrSealed
	}
	aead, err := subtle.NewAESGCM(k)
	if err != nil {
		return nil, ErrSealed
	}
	plain, err := aead.Decrypt(s[sealedHeader:], bind(s[:sealedHeader], o))
	if err != nil {
		return nil, ErrSealed
	}
	if s[2]&flagDeflate == 0 {
		return plain, nil
	}
	// The stream was authenticated, so it expands to what was sealed.
	plain, err = io.ReadAll(flate.NewReader(bytes.NewReader(plain)))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails only for a bad level
	return w
}}

// deflate compresses before sealing, where it pays: ciphertext does not
// compress. Mail with attachments in base64 gains a quarter.
func deflate(c Class, plain []byte) ([]byte, bool) {
	switch c {
	case Raw, Text, HTML, Notes:
	default:
		return nil, false
	}
	if len(plain) < 256 {
		return nil, false
	}
	var buf bytes.Buffer
	buf.Grow(len(plain))
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&buf)
	if _, err := w.Write(plain); err != nil || w.Close() != nil || buf.Len() >= len(plain) {
		return nil, false
	}
	return buf.Bytes(), true
}

// streamSegment is the unit that a stream is authenticated in. It is part of
// the format.
const streamSegment = 64 << 10

func stream(slot []byte, o Object) (*streaming.AESGCMHKDF, error) {
	k, err := objectKey(slot, o, "stream")
	if err != nil {
		return nil, fmt.Errorf("privacy: deriving a stream key: %w", err)
	}
	return streaming.NewAESGCMHKDF(k, "SHA256", keySize, streamSegment, 0)
}

// sealStream writes plain to dst as a stream that is opened with openStream.
func sealStream(slot []byte, key ticket.ID, o Object, dst io.Writer, plain io.Reader) error {
	s, err := stream(slot, o)
	if err != nil {
		return err
	}
	h := header(key, 0)
	if _, err := dst.Write(h); err != nil {
		return err
	}
	w, err := s.NewEncryptingWriter(dst, bind(h, o))
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, plain); err != nil {
		return err
	}
	return w.Close()
}

// openStream returns a reader of the plaintext. Each segment is authenticated
// before it is returned; a damaged or cut stream ends in ErrSealed.
func openStream(slot []byte, o Object, h []byte, src io.Reader) (io.Reader, error) {
	s, err := stream(slot, o)
	if err != nil {
		return nil, err
	}
	r, err := s.NewDecryptingReader(src, bind(h, o))
	if err != nil {
		return nil, ErrSealed
	}
	return &sealedReader{r}, nil
}

type sealedReader struct{ r io.Reader }

func (s *sealedReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		err = ErrSealed
	}
	return n, err
}
