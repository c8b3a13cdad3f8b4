using System.Text.Json;
using BenchmarkDotNet.Attributes;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Benchmarks;

/// <summary>Appending to the ledger in memory: the cost of everything but the disk. The baseline appends one by one, the other lets 256 wait together.</summary>
[MemoryDiagnoser]
public class LedgerBenchmarks
{
    private const int Entries = 256;
    private static readonly LedgerDraft Draft = new("bench.happened", new LedgerResource("thing", "bench"), "to measure", JsonDocument.Parse("{}").RootElement);
    private ObjectLedger? _ledger;

    [GlobalSetup]
    public async Task Setup() => _ledger = await ObjectLedger.OpenAsync(new InMemoryObjectStore());

    [GlobalCleanup]
    public async Task Cleanup() => await _ledger!.DisposeAsync();

    [Benchmark(Baseline = true, OperationsPerInvoke = Entries)]
    public async Task OneByOne()
    {
        for (int i = 0; i < Entries; i++)
        {
            await _ledger!.AppendAsync([Draft]);
        }
    }

    [Benchmark(OperationsPerInvoke = Entries)]
    public async Task Together() => await Task.WhenAll(Enumerable.Range(0, Entries).Select(_ => _ledger!.AppendAsync([Draft]).AsTask()));
}
