using Mlops.Sdk.Pipelines;

namespace Mlops.Sdk.Samples.DriftingHost;

/// <summary>Asks about every parcel that is sent, and tells the truth when it has arrived.</summary>
internal sealed class Traffic(World world, MlopsWorkspace mlops, IPredictor<Question, Risk> predictor, Monitoring.PerformanceMonitor performance, IConfiguration configuration) : BackgroundService
{
    private const int Underway = 200;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (int i = 0; i < World.Newest; i++)
        {
            world.Arrived(world.Send());
        }

        PipelineRun first = await mlops.RunAsync(new LateParcels(world), "first model", cancellationToken: stoppingToken);
        await mlops.PromoteAsync(first, "first model", stoppingToken);

        var underway = new Queue<Delivery>();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(configuration.GetValue("Traffic:Milliseconds", 50)));
        int burst = configuration.GetValue("Traffic:Burst", 10);
        for (int i = 0; i % burst != 0 || await timer.WaitForNextTickAsync(stoppingToken); i++)
        {
            Delivery parcel = world.Send();
            predictor.Predict(new Question(parcel.DistanceKm, parcel.WeightKg, parcel.Carrier, parcel.Weather), new PredictionContext(parcel.Id, "counter"));
            underway.Enqueue(parcel);
            if (underway.Count > Underway)
            {
                Delivery arrived = underway.Dequeue();
                world.Arrived(arrived);
                await performance.ActualAsync("late-parcels", arrived.Id, arrived.Late, cancellationToken: stoppingToken);
            }
        }
    }
}
