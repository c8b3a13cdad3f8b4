using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class DefinitionTests
{
    [Fact]
    public async Task A_definition_that_stops_half_way_is_refused_before_data_is_read()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        bool read = false;
        async IAsyncEnumerable<Ride> Reading()
        {
            read = true;
            await Task.CompletedTask;
            yield break;
        }

        await Refused("pipeline.incomplete", p => p.Extract(DataSource.AsyncEnumerable("rides", Reading())));
        await Refused("pipeline.incomplete", p => p.Extract(DataSource.AsyncEnumerable("rides", Reading())).Split().Binary(r => r.Rain, _ => { }));
        await Refused("pipeline.candidate_twice", p => p.Extract(DataSource.AsyncEnumerable("rides", Reading())).Split().Binary(r => r.Rain, t => t.Candidate("a", new FastTreeOptions()).Candidate("a", new LinearOptions())));
        await Refused("pipeline.invalid_option", p => p.Extract(DataSource.AsyncEnumerable("rides", Reading())).Split().Binary(r => r.Rain, t => t.Candidate("a", new FastTreeOptions { Leaves = 1 })).Evaluate().Gate(_ => { }).Register());
        await Refused("pipeline.unknown_metric", p => p.Goal("x", g => g.AtLeast("roc", 0.5)));
        Assert.False(read);

        async Task Refused(string code, Action<PipelineBuilder<Ride>> configure) =>
            Assert.Equal(code, (await Assert.ThrowsAsync<MlopsException>(() => workspace.RunAsync(new Any(configure)))).Code);
    }

    [Fact]
    public void A_label_that_hands_the_whole_row_on_is_refused_because_what_it_reads_could_be_trained_on()
    {
        Assert.Equal("pipeline.label_opaque", Assert.Throws<MlopsException>(() => new LateRides([]) { Label = r => Opaque(r) }.Plan()).Code);
        Assert.Equal("pipeline.label_opaque", Assert.Throws<MlopsException>(() => new LateRides([]) { Label = r => true }.Plan()).Code);
        string limit = "fine";
        Assert.Equal(["Miles", "Outcome"], new LateRides([]) { Label = r => r.Outcome.StartsWith(limit) && r.Miles!.Value > 3 }.Plan().LabelColumns.Order(StringComparer.Ordinal));
    }

    private static bool Opaque(Ride ride) => ride.Outcome != "fine";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void A_share_of_test_rows_outside_zero_and_one_is_refused(double share)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Any(p => p.Extract(DataSource.Enumerable<Ride>("rides", [])).Split(share)).Plan());
        Assert.Throws<ArgumentOutOfRangeException>(() => new Any(p => p.Extract(DataSource.Enumerable<Ride>("rides", [])).SplitByTime(r => r.Day, share)).Plan());
    }

    [Fact]
    public async Task A_blank_reason_is_refused()
    {
        await using Workspace workspace = await Workspace.OpenAsync();
        MlopsException error = await Assert.ThrowsAsync<MlopsException>(() => workspace.Runner.RunAsync(new LateRides([]), new PipelineRunOptions { Reason = " " }));
        Assert.Equal("ledger.reason_required", error.Code);
    }

    [Fact]
    public void Options_are_described_with_every_value_whatever_the_culture_and_kind()
    {
        SortedDictionary<string, string> described = new Fancy { Depths = [3, 5], Rate = 0.25 }.Describe();
        Assert.Equal("Fancy", described["trainer"]);
        Assert.Equal("3, 5", described["depths"]);
        Assert.Equal("0.25", described["rate"]);
    }


    private sealed record Fancy : CandidateOptions
    {
        public int[] Depths { get; init; } = [];

        public double Rate { get; init; }

        protected internal override Microsoft.ML.IEstimator<Microsoft.ML.ITransformer> Build(TrainerContext context) => throw new NotSupportedException();
    }

    private sealed class Any(Action<PipelineBuilder<Ride>> configure) : PipelineDefinition<Ride>("any")
    {
        protected override void Configure(PipelineBuilder<Ride> p) => configure(p);
    }
}
