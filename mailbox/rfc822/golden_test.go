package rfc822

// Golden vectors of version 1 of the content fingerprint.
const (
	goldenEmpty = "5b83504dbfa2601039bafa66b161eff31072b5fc4f1b100be7725ea9b6dcb1b5"
	goldenMail  = "74cdeb10e52179989b1c4250fac93a82ae0f93aa1beeb8246347287fe5781f4a"
)
