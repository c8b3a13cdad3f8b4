using Microsoft.Extensions.Time.Testing;
using Mlops.Sdk.Data;

namespace Mlops.Sdk.Monitoring.Tests;

public sealed class QualityRecorderTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 10, 0, 0, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(Now);

    private sealed record Reading(double? Speed, string? Operator, DateTime At);

    [Fact]
    public void Violations_are_counted_for_every_rule_that_a_row_breaks()
    {
        DataContract<Reading> contract = new DataContractBuilder<Reading>().NotNull(r => r.Operator).Between(r => r.Speed, 0, 500).Rule("fresh", r => r.At.Year > 2000).Build();
        var recorder = new QualityRecorder(_time);
        long broken = recorder.Record("m", [new Reading(-1, null, Now.UtcDateTime), new Reading(900, "A", Now.UtcDateTime), new Reading(null, "B", Now.UtcDateTime)], contract, "At");
        Assert.Equal(2, broken);
        RawQuality raw = recorder.Take("m")!;
        Assert.Equal(3, raw.ContractRows);
        Assert.Equal([("between(Speed, 0, 500)", 2L), ("fresh", 0L), ("not-null(Operator)", 1L)], raw.Violations.Select(v => (v.Key, v.Value)));
        Assert.Equal(Now, raw.NewestEvent);
        Assert.Null(recorder.Take("m"));
    }

    [Fact]
    public async Task What_a_contract_found_when_it_read_a_source_is_counted_with_all_rows()
    {
        DataContract<Reading> contract = new DataContractBuilder<Reading>().NotNull(r => r.Operator).OnFailure(ContractAction.Warn).Build();
        Reading[] rows = [.. Enumerable.Range(0, 10).Select(i => new Reading(i, i < 3 ? null : "A", Now.UtcDateTime))];
        var recorder = new QualityRecorder(_time);
        recorder.Record("m", await contract.ReadAsync(DataSource.Enumerable("rows", rows)));
        RawQuality raw = recorder.Take("m")!;
        Assert.Equal((10L, 3L), (raw.ContractRows, raw.Violations["not-null(Operator)"]));
    }

    [Fact]
    public void A_number_that_comes_as_a_text_is_a_change_of_type()
    {
        EncodedTable trained = TestData.Sample(1, 1000);
        ReferenceProfile profile = ReferenceProfile.Of(trained);
        var recorder = new QualityRecorder(_time);
        recorder.Record("m", new Table([Texts("Speed", [.. Enumerable.Range(0, 400).Select(i => $"{i}.5")]), new NumberColumn("Operator", [.. Enumerable.Range(0, 400).Select(i => (double)i)])]));
        QualityReport report = DataQuality.Check(profile, MonitorWindow.Of("w", "m", 1, profile, trained), null, recorder.Take("m"));
        QualityMeasure speed = report.Findings.Single(f => f is { Kind: QualityKind.TypeChanged, Name: "Speed" });
        Assert.Equal((QualitySeverity.Failed, 400L, 1d), (speed.Severity, speed.Count, speed.Value));
        Assert.Contains("all of them read as numbers", speed.Message, StringComparison.Ordinal);
        Assert.Contains("came as numbers", report.Findings.Single(f => f is { Kind: QualityKind.TypeChanged, Name: "Operator" }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_that_read_as_numbers_are_usual_where_the_reference_has_them()
    {
        string[] codes = [.. Enumerable.Range(0, 50).Select(i => $"{10_000 + i}")];
        EncodedTable trained = TestData.Sample(1, 1000, operators: codes);
        ReferenceProfile profile = ReferenceProfile.Of(trained);
        QualityReport report = DataQuality.Check(profile, MonitorWindow.Of("w", "m", 1, profile, trained), null, QualityRecorder.Of(new Table([trained.Texts[0]])));
        Assert.Equal(QualitySeverity.Fine, report.Measures.Single(m => m.Kind == QualityKind.TypeChanged).Severity);
    }

    [Fact]
    public void Duplicates_are_exact_while_rows_are_few() => Gen.Select(Gen.Int[0, 5].Array[1, 200], Gen.Int[0, 3].Array[200]).Sample((a, b) =>
    {
        var table = new Table([new NumberColumn("a", [.. a.Select(v => v == 5 ? double.NaN : v)]), Texts("b", [.. a.Select((_, i) => b[i] == 3 ? null : $"{b[i]}")])]);
        int distinct = a.Select((v, i) => (v, b[i])).Distinct().Count();
        RawQuality raw = QualityRecorder.Of(table);
        Assert.True(raw.DistinctIsExact);
        Assert.Equal(distinct, raw.DistinctRows);
        Assert.Equal(1 - (distinct / (double)a.Length), raw.DuplicateShare, 1e-12);
    });

    [Fact]
    public void Duplicates_beyond_the_bound_are_estimated_and_memory_stays_bounded()
    {
        int rows = 300_000;
        double[] values = [.. Enumerable.Range(0, rows).Select(i => (double)(i % 200_000))];
        RawQuality raw = QualityRecorder.Of(new Table([new NumberColumn("id", values)]));
        Assert.False(raw.DistinctIsExact);
        Assert.InRange(raw.DistinctRows, 200_000 * 0.95, 200_000 * 1.05); // standard error about 1 %: five of them
    }

    [Fact]
    public void Batches_in_any_order_and_columns_in_any_order_give_what_one_pass_gives() => Gen.Select(Gen.Int[1, 5], Gen.Int[0, 1000]).Sample((parts, seed) =>
    {
        var random = new Random(seed);
        double[] numbers = [.. Enumerable.Range(0, 30_000).Select(_ => (double)random.Next(25_000))];
        string[] texts = [.. numbers.Select(n => $"{n % 2}")];
        Table Part(int[] rows, bool turned)
        {
            Column[] columns = [new NumberColumn("n", [.. rows.Select(r => numbers[r])]), Texts("t", [.. rows.Select(r => (string?)texts[r])])];
            return new Table(turned ? [columns[1], columns[0]] : columns);
        }

        int[] all = [.. Enumerable.Range(0, numbers.Length)];
        RawQuality whole = QualityRecorder.Of(Part(all, false));
        var recorder = new QualityRecorder(_time);
        Parallel.For(0, parts, p => recorder.Record("m", Part([.. all.Where(r => r % parts == p)], p % 2 == 1)));
        RawQuality merged = recorder.Take("m")!;
        Assert.Equal((whole.Rows, whole.DistinctRows, whole.DistinctIsExact), (merged.Rows, merged.DistinctRows, merged.DistinctIsExact));
        Assert.Equal(whole.Columns, merged.Columns.OrderBy(c => c.Name, StringComparer.Ordinal));
    }, iter: 5);

    [Fact]
    public void Age_and_event_lag_are_judged_by_what_is_allowed()
    {
        EncodedTable trained = TestData.Sample(1, 500);
        ReferenceProfile profile = ReferenceProfile.Of(trained);
        var recorder = new QualityRecorder(_time);
        recorder.Record("m", new Table([new TimeColumn("At", [Now.AddHours(-3).UtcTicks, TimeColumn.Missing, Now.AddHours(-5).UtcTicks])]), "At");
        _time.Advance(TimeSpan.FromMinutes(90));
        var options = new QualityOptions { MaximumAge = TimeSpan.FromHours(1), MaximumEventLag = TimeSpan.FromHours(2) };
        QualityReport report = DataQuality.Check(profile, MonitorWindow.Of("w", "m", 1, profile, trained), options, recorder.Take("m"), now: _time.GetUtcNow());
        Assert.Equal((QualitySeverity.Watch, 5400d), report.Measures.Single(m => m.Kind == QualityKind.Age) switch { var m => (m.Severity, m.Value) });
        Assert.Equal((QualitySeverity.Failed, 4.5 * 3600), report.Measures.Single(m => m.Kind == QualityKind.EventLag) switch { var m => (m.Severity, m.Value) });
        Assert.Equal("data.column_kind", Assert.Throws<MlopsDataException>(() => recorder.Record("m", new Table([new NumberColumn("At", [1])]), "At")).Code);
    }

    internal static TextColumn Texts(string name, IReadOnlyList<string?> values)
    {
        string[] dictionary = [.. values.OfType<string>().Distinct()];
        Dictionary<string, int> codes = dictionary.Index().ToDictionary(d => d.Item, d => d.Index);
        return new TextColumn(name, [.. values.Select(v => v is null ? -1 : codes[v])], dictionary);
    }
}
