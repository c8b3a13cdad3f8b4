namespace Mlops.Sdk.Testing;

/// <summary>Listing.</summary>
internal static class ListingChecks
{
    // in ordinal order; '-' and '.' sort before '/', which folder walks get wrong
    private static readonly string[] Names = ["a-1", "a.1", "a/1", "a/2/x", "a/2/y", "a/20", "a0", "ab/1", "b/000000000009", "b/000000000010", "c"];

    internal static IEnumerable<(string Rule, Func<ConformanceRun, Task> Check)> All =>
    [
        ("Objects are listed in ordinal order of their keys", Ordered),
        ("A prefix may end inside a segment", Prefixes),
        ("A listing goes on after any key", After),
        ("A prefix that no key can have is refused", HostilePrefixes),
        ("A listing can be left early", LeftEarly),
    ];

    private static async Task Ordered(ConformanceRun run)
    {
        await FillAsync(run).ConfigureAwait(false);
        await ExpectAsync(run, string.Empty, null, Names).ConfigureAwait(false);
        List<ObjectInfo> all = await run.ListAsync(string.Empty).ConfigureAwait(false);
        run.Expect(all.Select(o => o.Key.Value).SequenceEqual(all.Select(o => o.Key.Value).Order(StringComparer.Ordinal)), "the listing of everything is not in order");
        run.Expect(Names.All(n => all.Exists(o => o.Key == run.Key(n))), "the listing of everything does not tell all");
    }

    private static async Task Prefixes(ConformanceRun run)
    {
        await FillAsync(run).ConfigureAwait(false);
        foreach (string prefix in new[] { "a", "a/", "a/2", "a/2/", "a-", "a.", "b/0000000000", "c", "d", "a/2/x", "c/" })
        {
            await ExpectAsync(run, prefix, null, [.. Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal))]).ConfigureAwait(false);
        }
    }

    private static async Task After(ConformanceRun run)
    {
        await FillAsync(run).ConfigureAwait(false);
        foreach (string after in Names.Concat(["a", "a/15", "0", "zzz", "b/"]))
        {
            foreach (string prefix in new[] { string.Empty, "a/", "b/" })
            {
                await ExpectAsync(run, prefix, after, [.. Names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(n, after) > 0)]).ConfigureAwait(false);
            }
        }
    }

    private static async Task HostilePrefixes(ConformanceRun run)
    {
        foreach (string prefix in new[] { "../", "/", "a//b", "a/../", "A", "a b", "a\\b", "%2e%2e/", "a\0", ".tmp", ".locks/", "C:", new string('a', 600) })
        {
            await run.ExpectCodeAsync("store.invalid_key", async () => await run.ListAsync(prefix).ConfigureAwait(false), $"the prefix '{prefix.Replace('\0', '?')}'").ConfigureAwait(false);
        }
    }

    private static async Task LeftEarly(ConformanceRun run)
    {
        await FillAsync(run).ConfigureAwait(false);
        await foreach (ObjectInfo info in run.Store.ListAsync(run.Prefix, null, run.Cancellation).ConfigureAwait(false))
        {
            run.Expect(info.Key == run.Key(Names[0]), $"the first is '{info.Key}'");
            break;
        }

        await run.WriteAsync("c", "still works").ConfigureAwait(false);
    }

    private static async Task FillAsync(ConformanceRun run)
    {
        foreach (string name in Names.Reverse())
        {
            await run.WriteAsync(name, name).ConfigureAwait(false);
        }
    }

    private static async Task ExpectAsync(ConformanceRun run, string prefix, string? after, string[] expected)
    {
        List<ObjectInfo> found = await run.ListAsync(run.Prefix + prefix, after is null ? null : run.Prefix + after).ConfigureAwait(false);
        string got = string.Join(' ', found.Select(o => o.Key.Value[run.Prefix.Length..]));
        run.Expect(got == string.Join(' ', expected), $"prefix '{prefix}' after '{after}' gave '{got}' and should give '{string.Join(' ', expected)}'");
    }
}
