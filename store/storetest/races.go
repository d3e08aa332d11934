package storetest

var raceCases []testCase
var consistencyCases []testCase
