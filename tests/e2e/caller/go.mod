module example.test/caller

go 1.26.0
