module example.com/reader

go 1.26

require example.com/generated/pcluster v0.0.0

// tests/clients/install puts the generated client there.
replace example.com/generated/pcluster => ../client
