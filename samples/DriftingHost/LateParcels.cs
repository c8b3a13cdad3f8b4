using Mlops.Sdk.Data;
using Mlops.Sdk.Pipelines;

namespace Mlops.Sdk.Samples.DriftingHost;

#region pipeline
/// <summary>Learns from the parcels that have arrived which ones come late. Made anew for every run, so that it sees the newest.</summary>
internal sealed class LateParcels(World world) : PipelineDefinition<Delivery>("late-parcels")
{
    protected override void Configure(PipelineBuilder<Delivery> p) => p
        .Goal("warn of late parcels when they are sent", g => g.AtLeast("auc", 0.6))
        .Extract(DataSource.Enumerable("arrived parcels", world.Archive()))
        .Split(test: 0.25, by: d => d.Id)
        .Binary(d => d.Late, name: "Late", training: t => t
            .Features(d => d.DistanceKm, d => d.WeightKg, d => d.Carrier, d => d.Weather)
            .Candidate("linear", new LinearOptions())
            .Candidate("trees", new FastTreeOptions { Leaves = 8 }))
        .Evaluate(d => d.Weather)
        .Gate(g => g.BeatsBaseline(margin: 0.05).NotWorseThanChampion(margin: 0.1))
        .Register();
}
#endregion
