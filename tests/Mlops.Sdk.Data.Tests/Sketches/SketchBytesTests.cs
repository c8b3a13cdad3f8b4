namespace Mlops.Sdk.Data.Tests;

/// <summary>What all sketches have in common in the store.</summary>
public sealed class SketchBytesTests
{
    private static readonly Dictionary<string, (byte[] Bytes, Func<byte[], byte[]> Again)> Kinds = new()
    {
        ["quantiles, exact"] = (Quantiles(100), b => QuantileSketch.Deserialize(b).Serialize()),
        ["quantiles"] = (Quantiles(3_000), b => QuantileSketch.Deserialize(b).Serialize()),
        ["quantiles, double"] = (QuantileSketchTests.Sketch(SketchTrials.Stream(1, 3_000), 5).Serialize(), b => QuantileSketch.Deserialize(b).Serialize()),
        ["distinct, sparse"] = (Distinct(100), b => DistinctSketch.Deserialize(b).Serialize()),
        ["distinct, dense"] = (Distinct(5_000), b => DistinctSketch.Deserialize(b).Serialize()),
        ["frequent"] = (FrequentItemsTests.Of(Enumerable.Range(0, 500).Select(i => $"{i * i % 60}"), 10).Serialize(), b => FrequentItems.Deserialize(b).Serialize()),
        ["reservoir"] = (Reservoir(), b => ReservoirSample.Deserialize(b, x => x.Length == 4 ? BitConverter.ToInt32(x) : throw new FormatException("four bytes")).Serialize(BitConverter.GetBytes)),
    };

    public static TheoryData<string> Names => [.. Kinds.Keys];

    /// <summary>The digests of format 1: a change here breaks what stands in stores.</summary>
    [Theory]
    [InlineData("quantiles, exact", "4421077a12fe766d")]
    [InlineData("quantiles", "bcb0ddc833e59afa")]
    [InlineData("quantiles, double", "0dd016249ca7c288")]
    [InlineData("distinct, sparse", "6201f47cca9fba28")]
    [InlineData("distinct, dense", "0068c7c2966f7f54")]
    [InlineData("frequent", "754fedacd4ca069e")]
    [InlineData("reservoir", "87cdb2f6c5d285f6")]
    public void The_bytes_of_format_1_stay_as_they_are(string kind, string digest) => Assert.Equal(digest, Digest.Of(Kinds[kind].Bytes).Hex[..16]);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_cut_every_flipped_bit_and_every_longer_form_is_refused_or_reads_as_a_sane_sketch(string kind)
    {
        (byte[] bytes, Func<byte[], byte[]> again) = Kinds[kind];
        var random = new Random(1);
        Assert.Equal(bytes, again(bytes));
        foreach (int length in Enumerable.Range(0, 40).Select(_ => random.Next(bytes.Length)).Append(0).Append(bytes.Length - 1))
        {
            Refused(() => again(bytes[..length]), must: true);
        }

        Refused(() => again([.. bytes, 0]), must: true);
        for (int i = 0; i < 400; i++)
        {
            byte[] broken = [.. bytes];
            int bit = i < 200 ? i % (8 * Math.Min(40, bytes.Length)) : random.Next(8 * bytes.Length);
            broken[bit / 8] ^= (byte)(1 << (bit % 8));
            Refused(() => again(broken), must: false);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_newer_format_is_refused_with_both_versions_named(string kind)
    {
        byte[] newer = [.. Kinds[kind].Bytes];
        newer[1] = 9;
        MlopsIntegrityException error = Assert.Throws<MlopsIntegrityException>(() => Kinds[kind].Again(newer));
        Assert.Equal("data.newer_format", error.Code);
        Assert.Contains("format 9", error.Message, StringComparison.Ordinal);
        Assert.Contains("up to 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_counts_are_refused_before_anything_is_allocated()
    {
        byte[] huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte[] bytes in (byte[][])[[0xA1, 1, 0xC8, 1, .. new byte[8], .. huge, 0, 0, 30, .. huge], [0xA2, 1, 0, .. huge], [0xA3, 1, 10, .. huge, 0, .. huge], [0xA4, 1, 10, .. new byte[8], .. huge, 0, .. huge]])
        {
            Func<object> read = bytes[0] switch
            {
                0xA1 => () => QuantileSketch.Deserialize(bytes),
                0xA2 => () => DistinctSketch.Deserialize(bytes),
                0xA3 => () => FrequentItems.Deserialize(bytes),
                _ => () => ReservoirSample.Deserialize(bytes, b => b),
            };
            Assert.Equal("data.unreadable_sketch", Assert.Throws<MlopsIntegrityException>(read).Code);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 300_000);
    }

    private static void Refused(Func<byte[]> read, bool must)
    {
        try
        {
            read();
        }
        catch (MlopsIntegrityException error)
        {
            Assert.Contains(error.Code, (string[])["data.unreadable_sketch", "data.newer_format"]);
            return;
        }

        Assert.False(must, "what is cut or longer was read");
    }

    private static byte[] Quantiles(int length)
    {
        var sketch = new QuantileSketch(seed: 5);
        sketch.Update([.. Enumerable.Range(0, length).Select(i => i * 7919 % 10_007 / 16f)]);
        return sketch.Serialize();
    }

    private static byte[] Distinct(int values) => DistinctSketchTests.Of(Enumerable.Range(0, values).Select(i => $"value {i}")).Serialize();

    private static byte[] Reservoir()
    {
        var sample = new ReservoirSample<int>(20, 5);
        for (int i = 0; i < 1_000; i++)
        {
            sample.Update(i);
        }

        return sample.Serialize(BitConverter.GetBytes);
    }
}
