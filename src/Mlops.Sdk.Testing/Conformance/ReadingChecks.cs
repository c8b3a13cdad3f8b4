namespace Mlops.Sdk.Testing;

/// <summary>Ranges, and what a reader sees while others write.</summary>
internal static class ReadingChecks
{
    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("A range gives exactly its bytes", Ranges),
        ("A range outside the object is refused", OutsideRanges),
        ("A reader sees one state though the object is replaced or removed", OneState),
    ];

    private static async Task Ranges(ConformanceRun run)
    {
        const string text = "0123456789";
        await run.WriteAsync("k", text).ConfigureAwait(false);
        for (int offset = 0; offset <= text.Length; offset++)
        {
            await ExpectAsync(new ByteRange(offset), text[offset..]).ConfigureAwait(false);
            for (int length = 0; length <= text.Length + 2; length++)
            {
                await ExpectAsync(new ByteRange(offset, length), text.Substring(offset, Math.Min(length, text.Length - offset))).ConfigureAwait(false);
            }
        }

        await ExpectAsync(new ByteRange(3, long.MaxValue), text[3..]).ConfigureAwait(false);
        byte[] large = new byte[300_000];
        new Random(3).NextBytes(large);
        using var content = new MemoryStream(large);
        await run.Store.PutAsync(run.Key("large"), content, PutCondition.Any, run.Cancellation).ConfigureAwait(false);
        byte[]? part = await run.ReadAsync("large", new ByteRange(70_001, 200_000)).ConfigureAwait(false);
        run.Expect(part is not null && part.AsSpan().SequenceEqual(large.AsSpan(70_001, 200_000)), "a range of a large object gave other bytes");

        async Task ExpectAsync(ByteRange range, string expected)
        {
            byte[]? found = await run.ReadAsync("k", range).ConfigureAwait(false);
            string? got = found is null ? null : System.Text.Encoding.ASCII.GetString(found);
            run.Expect(got == expected, $"{range} gave '{got}' and should give '{expected}'");
        }
    }

    private static async Task OutsideRanges(ConformanceRun run)
    {
        await run.WriteAsync("k", "0123456789").ConfigureAwait(false);
        foreach (ByteRange range in new[] { new ByteRange(11), new ByteRange(long.MaxValue), new ByteRange(-1), new ByteRange(0, -1), new ByteRange(11, 0) })
        {
            await run.ExpectCodeAsync("store.invalid_range", async () => await run.ReadAsync("k", range).ConfigureAwait(false), $"{range} of 10 bytes").ConfigureAwait(false);
        }
    }

    private static async Task OneState(ConformanceRun run)
    {
        foreach (int length in new[] { 100, 500_000 })
        {
            string old = new('o', length);
            await run.WriteAsync("k", old).ConfigureAwait(false);
            Stream stream = await run.Store.OpenAsync(run.Key("k"), null, run.Cancellation).ConfigureAwait(false) ?? throw new ObjectStoreConformanceException("open", "null");
            await using (stream.ConfigureAwait(false))
            {
                byte[] buffer = new byte[length];
                await stream.ReadExactlyAsync(buffer.AsMemory(0, 10), run.Cancellation).ConfigureAwait(false);
                await run.WriteAsync("k", new string('n', length)).ConfigureAwait(false);
                await run.Store.DeleteAsync(run.Key("k"), null, run.Cancellation).ConfigureAwait(false);
                await stream.ReadExactlyAsync(buffer.AsMemory(10), run.Cancellation).ConfigureAwait(false);
                run.Expect(!buffer.AsSpan().ContainsAnyExcept((byte)'o'), "a reader that had begun got bytes of another state");
            }
        }
    }
}
