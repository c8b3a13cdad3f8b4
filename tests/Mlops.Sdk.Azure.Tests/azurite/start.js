// Starts the emulator and ends with whoever started it: its standard input closes then, however that process ended.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
require(process.env.MLOPS_TEST_AZURITE);
