// dotnet run -c Release --project benchmarks/Mlops.Sdk.Benchmarks -- --filter '*'
using BenchmarkDotNet.Running;
using Mlops.Sdk.Benchmarks;

BenchmarkSwitcher.FromAssembly(typeof(EncodingBenchmarks).Assembly).Run(args);
