using BenchmarkDotNet.Attributes;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Benchmarks;

/// <summary>A record becomes slots: the first thing that every prediction does. The baseline reads the same members by hand.</summary>
[MemoryDiagnoser]
public class EncodingBenchmarks
{
    private static readonly ModelSchema Schema = new(
        ModelTask.Regression,
        [
            new ModelInput("Miles", InputKind.Number, "Miles"),
            new ModelInput("Vendor", InputKind.Text, "Vendor"),
            new ModelInput("Fee", InputKind.Number, "Fee"),
            new ModelInput("Day.Month", InputKind.Number, "Day", DatePart.Month),
        ],
        [ModelOutputs.Score],
        "Fare");

    private readonly RowEncoder<Trip> _encoder = new(Schema);
    private readonly float[] _numbers = new float[3];
    private readonly string?[] _texts = new string?[1];
    private Trip[] _rows = [];

    [Params(1, 256)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(7);
        _rows = [.. Enumerable.Range(0, Rows).Select(i => new Trip(random.NextSingle() * 20, i % 2 == 0 ? "north" : "south", i % 5 == 0 ? null : 1.5m, new DateOnly(2026, 1 + (i % 12), 1)))];
    }

    [Benchmark(Baseline = true)]
    public void ByHand()
    {
        foreach (Trip row in _rows)
        {
            _numbers[0] = row.Miles;
            _numbers[1] = row.Fee is { } fee ? (float)fee : float.NaN;
            _numbers[2] = row.Day.Month;
            _texts[0] = row.Vendor;
        }
    }

    [Benchmark]
    public void ByEncoder()
    {
        foreach (Trip row in _rows)
        {
            _encoder.Encode(row, _numbers, _texts);
        }
    }

    public sealed record Trip(float Miles, string Vendor, decimal? Fee, DateOnly Day);
}
