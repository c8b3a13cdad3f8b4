namespace Mlops.Sdk.Monitoring.Tests.Worker;

/// <summary>The rows that a worker records: the n-th row of a worker is always the same, so that whoever knows how many there were knows them all.</summary>
internal static class RecordedRows
{
    private static readonly string?[] Operators = ["ACME", "BIRD", "CROW", "NEW", null];

    /// <summary>Makes a row: whole numbers, so that sums are exact whatever their order.</summary>
    internal static (float[] Numbers, string?[] Texts, float[] Outputs) Of(int worker, int row)
    {
        uint hash = (uint)(((worker * 1_000_003) + row) * 2_654_435_761L >> 7);
        float speed = hash % 11 == 0 ? float.NaN : 40 + (hash % 120);
        return ([speed, hash / 7 % 4_000], [Operators[hash / 3 % 5]], [hash % 100 / 100f]);
    }
}
