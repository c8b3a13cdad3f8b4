namespace Mlops.Sdk.Testing;

/// <summary>What must hold for a write to happen.</summary>
internal static class ConditionChecks
{
    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("A put if-absent is done once", IfAbsent),
        ("A put if-match needs the present ETag", IfMatch),
        ("A put if-match of what is absent is not done", IfMatchAbsent),
        ("A removal if-match needs the present ETag", DeleteIfMatch),
        ("A put of equal content makes the old ETag old", EqualContent),
        ("An ETag of a removed object matches nothing made later", NoReturn),
    ];

    private static async Task IfAbsent(ConformanceRun run)
    {
        string etag = await run.WriteAsync("k", "first", PutCondition.IfAbsent).ConfigureAwait(false);
        foreach (string text in new[] { "second", "first", string.Empty })
        {
            PutResult again = await run.PutAsync("k", text, PutCondition.IfAbsent).ConfigureAwait(false);
            run.Expect(again is { Written: false, ETag: null }, $"a second put if-absent answered {again}");
        }

        await run.ExpectContentAsync("k", "first").ConfigureAwait(false);
        run.Expect((await run.Store.HeadAsync(run.Key("k"), run.Cancellation).ConfigureAwait(false))?.ETag == etag, "the ETag changed though nothing was written");
    }

    private static async Task IfMatch(ConformanceRun run)
    {
        string first = await run.WriteAsync("k", "first").ConfigureAwait(false);
        string second = await run.WriteAsync("k", "second", PutCondition.IfMatch(first)).ConfigureAwait(false);
        run.Expect(!(await run.PutAsync("k", "third", PutCondition.IfMatch(first)).ConfigureAwait(false)).Written, "an old ETag was accepted");
        run.Expect(!(await run.PutAsync("k", "third", PutCondition.IfMatch("no-etag")).ConfigureAwait(false)).Written, "an ETag that never was was accepted");
        await run.ExpectContentAsync("k", "second").ConfigureAwait(false);
        await run.WriteAsync("k", "third", PutCondition.IfMatch(second)).ConfigureAwait(false);
        await run.ExpectContentAsync("k", "third").ConfigureAwait(false);
    }

    private static async Task EqualContent(ConformanceRun run)
    {
        string first = await run.WriteAsync("k", "same").ConfigureAwait(false);
        string second = await run.WriteAsync("k", "same", PutCondition.IfMatch(first)).ConfigureAwait(false);
        run.Expect(!(await run.PutAsync("k", "other", PutCondition.IfMatch(first)).ConfigureAwait(false)).Written, "the old ETag was accepted by a put");
        run.Expect(!await run.Store.DeleteAsync(run.Key("k"), first, run.Cancellation).ConfigureAwait(false), "the old ETag was accepted by a removal");
        await run.ExpectContentAsync("k", "same").ConfigureAwait(false);
        await run.WriteAsync("k", "other", PutCondition.IfMatch(second)).ConfigureAwait(false);
    }

    private static async Task IfMatchAbsent(ConformanceRun run)
    {
        string etag = await run.WriteAsync("other", "x").ConfigureAwait(false);
        run.Expect(!(await run.PutAsync("k", "y", PutCondition.IfMatch(etag)).ConfigureAwait(false)).Written, "it was done");
        await run.ExpectContentAsync("k", null).ConfigureAwait(false);
    }

    private static async Task DeleteIfMatch(ConformanceRun run)
    {
        string first = await run.WriteAsync("k", "first").ConfigureAwait(false);
        string second = await run.WriteAsync("k", "second").ConfigureAwait(false);
        run.Expect(!await run.Store.DeleteAsync(run.Key("k"), first, run.Cancellation).ConfigureAwait(false), "an old ETag was accepted");
        await run.ExpectContentAsync("k", "second").ConfigureAwait(false);
        run.Expect(await run.Store.DeleteAsync(run.Key("k"), second, run.Cancellation).ConfigureAwait(false), "the present ETag was not accepted");
        await run.ExpectContentAsync("k", null).ConfigureAwait(false);
    }

    private static async Task NoReturn(ConformanceRun run)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < 20; i++)
        {
            run.Expect(seen.Add(await run.WriteAsync("k", "same", PutCondition.IfAbsent).ConfigureAwait(false)), "an ETag came back");
            await run.Store.DeleteAsync(run.Key("k"), null, run.Cancellation).ConfigureAwait(false);
        }
    }
}
