using Mlops.Sdk;
using Mlops.Sdk.Data;
using Mlops.Sdk.Pipelines;

await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync("mlops-data");
PipelineRun run = await mlops.RunAsync(new Hello(), "first model");
await mlops.PromoteAsync(run, "it beats the mean");
IPredictor<House, Price> predictor = await mlops.ServeAsync<House, Price>("hello");
Prediction<Price> answer = predictor.Predict(new House(100, 0));
Console.WriteLine($"champion: {await mlops.Registry.FindAliasAsync("hello", "champion")}");
Console.WriteLine($"a house of 100 m2: {answer.Value.Score:0}, answered by version {answer.Version}");

internal sealed record House(float Area, float Price);

internal sealed record Price(float Score);

internal sealed class Hello() : PipelineDefinition<House>("hello")
{
    protected override void Configure(PipelineBuilder<House> p) => p
        .Extract(DataSource.Enumerable("houses", Enumerable.Range(0, 400).Select(i => new House(20 + i, (3000 * (20 + i)) + (i % 7 * 500)))))
        .Validate(v => v.Between(h => h.Area, 5, 2000))
        .Split(test: 0.25)
        .Regression(h => h.Price, m => m.Candidate("trees", new FastTreeOptions { Trees = 50 }))
        .Evaluate()
        .Gate(g => g.BeatsBaseline())
        .Register();
}
