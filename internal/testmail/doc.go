// Package testmail runs real mail servers on loopback: Dovecot for IMAP,
// Postfix for SMTP, Postfix's smtp-sink for SMTP that misbehaves, and a token
// server for logins without a password.
//
//	imap := testmail.NewDovecot(t, testmail.DovecotOptions{})
//	smtp := testmail.NewPostfix(t, testmail.PostfixOptions{Dovecot: imap})
//	err := imap.AddUser("support", "s3cret") // support@desk.example
//
// Each server has a port and a temporary folder of its own, so that many run
// side by side and none touches what the system's packages have configured. It
// ends with the process that started it, however that ends. Nothing here needs
// package testing underneath: Start functions return errors, for programs that
// run servers without a test; New functions are the same for a test.
//
// The servers want to be started as root, as containers and CI are, because
// they change to accounts of their own. A server that is not installed is an
// error, never a reason to skip: a driver that was not tested must not look
// tested. tools/deps.sh installs what is missing.
package testmail
