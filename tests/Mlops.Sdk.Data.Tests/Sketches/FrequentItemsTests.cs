namespace Mlops.Sdk.Data.Tests;

public sealed class FrequentItemsTests
{
    [Fact]
    public void Counts_are_within_their_bounds_and_the_bounds_are_as_close_as_promised_however_the_stream_is_cut()
    {
        for (int trial = 0; trial < SketchTrials.Count; trial++)
        {
            var random = new Random(trial);
            int k = random.Next(1, 30);
            double slope = 0.5 + (3 * random.NextDouble());
            string[] stream = [.. Enumerable.Range(0, random.Next(0, 5_000)).Select(_ => $"{(int)Math.Pow(random.NextDouble() + 0.001, -slope)}")];
            List<FrequentItems> parts = [.. SketchTrials.Cut(stream, random.Next(1, 8), random).Select(p => Of(p, k))];
            while (parts.Count > 1)
            {
                parts[^2].Merge(parts[^1]);
                parts.RemoveAt(parts.Count - 1);
            }

            FrequentItems all = parts[0];
            Dictionary<string, int> true_ = stream.CountBy(s => s).ToDictionary();
            Assert.Equal(stream.Length, all.Count);
            Assert.InRange(all.MaximumError, 0, stream.Length / (k + 1));
            Assert.InRange(all.Top().Count, 0, 2 * k);
            foreach ((string text, int count) in true_)
            {
                (long low, long high) = all.Bounds(text);
                Assert.InRange(count, low, high);
            }

            Assert.All(true_.Where(t => t.Value > stream.Length / (k + 1)), t => Assert.Contains(all.Top(), f => f.Text == t.Key && f.AtLeast <= t.Value && f.AtMost >= t.Value));
        }
    }

    [Fact]
    public void While_nothing_was_dropped_parts_merge_to_the_very_bytes_of_one_pass() => Gen.Select(Gen.Int[0, 40].Array[0, 500], Gen.Int[1, 6], Gen.Int[0, 999]).Sample((numbers, parts, seed) =>
    {
        string[] stream = [.. numbers.Select(n => $"{n}")];
        FrequentItems merged = SketchTrials.Cut(stream, parts, new Random(seed)).Select(p => Of(p, 30)).Aggregate((into, part) =>
        {
            into.Merge(part);
            return into;
        });
        return merged.MaximumError == 0 && merged.Serialize().AsSpan().SequenceEqual(Of(stream, 30).Serialize());
    });

    [Fact]
    public void The_most_frequent_come_first_and_long_texts_are_cut()
    {
        FrequentItems items = Of(["b", "a", "b", "c", "a", "b", new string('x', 300), new string('x', 400)], 8);
        Assert.Equal([new FrequentItem("b", 3, 3), new FrequentItem("a", 2, 2), new FrequentItem(new string('x', 256), 2, 2)], items.Top(3));
        items.Update("c", 10);
        Assert.Equal("c", items.Top(1)[0].Text);
    }

    [Fact]
    public void A_summary_reads_back() => Gen.Int[0, 60].Array[0, 600].Sample(numbers =>
    {
        FrequentItems items = Of(numbers.Select(n => $"é{n}"), 10);
        FrequentItems read = FrequentItems.Deserialize(items.Serialize());
        items.Update("more");
        read.Update("more");
        return read.Serialize().AsSpan().SequenceEqual(items.Serialize());
    });

    internal static FrequentItems Of(IEnumerable<string> stream, int k)
    {
        var items = new FrequentItems(k);
        foreach (string text in stream)
        {
            items.Update(text);
        }

        return items;
    }
}
