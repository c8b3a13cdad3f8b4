using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Tracking;

public sealed class RunSearchTests
{
    [Theory]
    [InlineData("metrics.auc > 0.9 and params.trees = '100' and tags.x like 'a%' and attributes.status = 'registered'", "")]
    [InlineData("metrics.auc > 0.85", "r9")]
    [InlineData("metrics.auc >= 0.8", "r8 r9")]
    [InlineData("metrics.auc < 0.15 AND params.trees = '0'", "r0")]
    [InlineData("params.trees = 300", "r3")]
    [InlineData("params.trees > 650", "r7 r8 r9")]
    [InlineData("params.`odd name` = 'it''s'", "r5")]
    [InlineData("params.\"odd name\" = \"it's\"", "r5")]
    [InlineData("tags.parity = 'even' and metrics.auc > 0.5", "r6 r8")]
    [InlineData("tags.parity != 'even' and metrics.auc > 0.5", "r7 r9")]
    [InlineData("tags.missing != 'x'", "")]
    [InlineData("tags.parity like 'e%' and not metrics.auc <= 0.5", "r6 r8")]
    [InlineData("tags.parity ilike 'EV_N' and (run_id = 'r2' or run_id = 'r4')", "r2 r4")]
    [InlineData("run_id in ('r1', 'r2', 'zz')", "r1 r2")]
    [InlineData("run_id not in ('r1') and metrics.auc < 0.3", "r0 r2")]
    [InlineData("attributes.status = 'COMPLETED'", "r4")]
    [InlineData("status != 'running'", "r4")]
    [InlineData("attributes.`run name` = 'named'", "r6")]
    [InlineData("name is not null", "r6")]
    [InlineData("run_name is present", "r6")]
    [InlineData("metrics.nan = nan", "r2")]
    [InlineData("max.auc > 5", "r1")]
    [InlineData("min.auc < 0", "r1")]
    [InlineData("datasets.name = 'trips' and datasets.role in ('test')", "r3")]
    [InlineData("metrics.a/b.c > 0", "r0")]
    public async Task The_text_language_finds(string filter, string expected)
    {
        await using TrackingWorkspace workspace = await FillAsync();
        Assert.Equal(expected, string.Join(' ', (await workspace.FindAsync(filter)).Order()));
        RunFilter parsed = RunFilter.Parse(filter);
        Assert.Equal(parsed.ToString(), RunFilter.Parse(parsed.ToString()!).ToString()); // it reads what it writes
    }

    [Theory]
    [InlineData("metrics.auc", 11)]
    [InlineData("metrics.auc >", 13)]
    [InlineData("metrics.auc > x", 14)]
    [InlineData("metrics. > 1", 8)]
    [InlineData("auc > 1", null)]
    [InlineData("nothing.auc > 1", 0)]
    [InlineData("tags.x = 'open", 9)]
    [InlineData("tags.x = 'a' and", 16)]
    [InlineData("tags.x = 'a' tags.y = 'b'", 13)]
    [InlineData("(tags.x = 'a'", 13)]
    [InlineData("tags.x like 5", 13)]
    [InlineData("tags.x in ()", 11)]
    [InlineData("tags.`x = 'a'", 5)]
    [InlineData("metrics.auc > 0.5; drop table runs", 17)]
    public void A_text_that_is_no_filter_says_where(string filter, int? position)
    {
        MlopsDataException error = Assert.Throws<MlopsDataException>(() => RunFilter.Parse(filter));
        Assert.Equal("tracking.invalid_filter", error.Code);
        if (position is not null)
        {
            Assert.Contains($"at position {position}:", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Hostile_filters_are_refused_quickly()
    {
        foreach (string text in (string[])[new('(', 9_000), string.Concat(Enumerable.Repeat("not ", 2_000)), string.Join(" and ", Enumerable.Repeat("tags.a='b'", 600)), new('x', 10_001)])
        {
            Assert.Equal("tracking.invalid_filter", Assert.Throws<MlopsDataException>(() => RunFilter.Parse(text)).Code);
        }
    }

    [Fact]
    public void Any_text_is_a_filter_or_refused_by_code() => Gen.OneOf(
        Gen.String,
        Any.Of("metrics.a", "tags.b", ">", "=", "'x'", "1", "(", ")", "and", "or", "not", "like", "in", ",", "is null", "`", "\"").Array[0, 12].Select(parts => string.Join(' ', parts))).Sample(
        text =>
        {
            try
            {
                RunFilter filter = RunFilter.Parse(text);
                Assert.Equal(filter.ToString(), RunFilter.Parse(filter.ToString()!).ToString());
            }
            catch (MlopsDataException error)
            {
                Assert.Equal("tracking.invalid_filter", error.Code);
            }
        },
        iter: 3_000);

    [Fact]
    public async Task The_typed_filter_says_the_same()
    {
        await using TrackingWorkspace workspace = await FillAsync();
        RunFilter filter = RunField.Metric("auc").Above(0.5).And(RunField.Tag("parity").Is("even")).Or(RunField.Attribute("run_id").IsOneOf("r1")).And(RunField.Param("trees").Like("8%").Not());
        RunPage found = await workspace.Tracker.SearchRunsAsync(new RunQuery { Filter = filter });
        Assert.Equal(["r1", "r6"], found.Runs.Select(r => r.RunId).Order());
        Assert.Equal("tracking.invalid_filter", Assert.Throws<MlopsDataException>(() => RunField.Attribute("nothing")).Code);
        Assert.Equal("tracking.invalid_filter", Assert.Throws<MlopsDataException>(() => RunField.Dataset("nothing")).Code);
    }

    [Fact]
    public void Like_agrees_with_a_plain_definition() => Gen.Select(Any.Of('a', 'b', '%', '_').Array[0, 8], Any.Of('a', 'b').Array[0, 10]).Sample((pattern, text) =>
    {
        RunDetails run = new("r", "e", RunStatus.Running, "t", "r", new Actor("a"), TestStore.Start) { Tags = new Dictionary<string, string> { ["t"] = new(text) } };
        Assert.Equal(Plain(pattern, text), RunField.Tag("t").Like(new string(pattern)).Matches(run));

        static bool Plain(ReadOnlySpan<char> p, ReadOnlySpan<char> t) => p.Length == 0 ? t.Length == 0
            : p[0] == '%' ? Plain(p[1..], t) || (t.Length > 0 && Plain(p, t[1..]))
            : t.Length > 0 && (p[0] == '_' || p[0] == t[0]) && Plain(p[1..], t[1..]);
    });

    [Fact]
    public async Task Results_are_ordered_and_runs_that_lack_the_field_come_last()
    {
        await using TrackingWorkspace workspace = await FillAsync();
        Assert.Equal("r9 r8 r7 r6 r5 r4 r3 r2 r1 r0", string.Join(' ', await workspace.FindAsync("", "metrics.auc desc")));
        Assert.Equal("r0 r2 r4 r6 r8 r9 r7 r5 r3 r1", string.Join(' ', [.. (await workspace.FindAsync("", "tags.parity", "metrics.auc"))[..5], .. (await workspace.FindAsync("", "tags.parity desc", "metrics.auc desc"))[..5]]));
        Assert.Equal("r2", (await workspace.FindAsync("", "metrics.nan"))[0]);
        Assert.Equal("r2", (await workspace.FindAsync("", "metrics.nan desc"))[0]);
        Assert.Equal("tracking.invalid_filter", Assert.Throws<MlopsDataException>(() => RunOrder.Parse("metrics.auc upwards")).Code);
    }

    [Fact]
    public async Task Pages_put_together_are_the_whole_answer()
    {
        await using TrackingWorkspace workspace = await FillAsync();
        await Gen.Select(Gen.Int[1, 11], Any.Of<string[]>([], ["metrics.auc desc"], ["tags.parity", "run_id desc"], ["metrics.nan"], ["duration"])).SampleAsync(async (size, order) =>
        {
            RunQuery query = new() { PageSize = size, OrderBy = [.. order.Select(RunOrder.Parse)] };
            List<string> found = [];
            do
            {
                RunPage page = await workspace.Tracker.SearchRunsAsync(query);
                Assert.InRange(page.Runs.Count, 1, size);
                found.AddRange(page.Runs.Select(r => r.RunId));
                query = query with { Page = page.NextPage };
            }
            while (query.Page is not null);

            Assert.Equal(await workspace.FindAsync("", order), found);
        }, iter: 40);
    }

    [Fact]
    public async Task A_page_token_of_another_search_or_a_forged_one_is_refused()
    {
        await using TrackingWorkspace workspace = await FillAsync();
        string token = (await workspace.Tracker.SearchRunsAsync(new RunQuery { PageSize = 3 })).NextPage!;
        foreach (RunQuery bad in (RunQuery[])[
            new() { Page = token, Filter = RunFilter.Parse("metrics.auc > 0") }, new() { Page = "nonsense" }, new() { Page = "" }, new() { Page = token[..^4] },
            new() { Page = Convert.ToBase64String("{}"u8) }, new() { PageSize = 0 }, new() { PageSize = 10_001 }])
        {
            Assert.Equal("tracking.invalid_query", (await Assert.ThrowsAsync<MlopsDataException>(async () => await workspace.Tracker.SearchRunsAsync(bad))).Code);
        }
    }

    private static async Task<TrackingWorkspace> FillAsync()
    {
        TrackingWorkspace workspace = await TrackingWorkspace.OpenAsync();
        for (int i = 0; i < 10; i++)
        {
            await using TrackedRun run = await workspace.StartAsync(
                $"r{i}",
                options: new RunOptions { Name = i == 6 ? "named" : null, Tags = new Dictionary<string, string> { ["parity"] = i % 2 == 0 ? "even" : "odd" } },
                parameters: i == 5 ? [("trees", "500"), ("odd name", "it's")] : [("trees", $"{i * 100}")]);
            if (i == 1)
            {
                run.LogMetric("auc", 9, -2);
                run.LogMetric("auc", -9, -1);
            }

            run.LogMetric("auc", i / 10.0);
            if (i == 2)
            {
                run.LogMetric("nan", double.NaN);
            }

            if (i == 0)
            {
                run.LogMetric("a/b.c", 1);
            }

            if (i == 3)
            {
                await run.LogDatasetAsync(new RunDataset("other", Digest.Of("o"u8), "x", "training"));
                await run.LogDatasetAsync(new RunDataset("trips", Digest.Of("t"u8), "x", "test"));
            }

            if (i == 4)
            {
                await run.EndAsync(RunStatus.Completed, "done");
            }

            workspace.Store.Time.Advance(TimeSpan.FromSeconds(1));
        }

        return workspace;
    }
}
