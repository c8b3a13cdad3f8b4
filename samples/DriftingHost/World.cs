namespace Mlops.Sdk.Samples.DriftingHost;

/// <summary>The world outside: parcels are sent, and come in time or late. The switch brings winter: snow, longer ways, scales that fail in the cold.</summary>
public sealed class World(int seed)
{
    /// <summary>How many parcels the archive holds.</summary>
    public const int Newest = 2_000;

    private readonly Random _random = new(seed);
    private readonly Lock _gate = new();
    private readonly Queue<Delivery> _archive = new();
    private DateTime _clock = new(2026, 9, 1, 0, 0, 0, DateTimeKind.Utc);
    private int _sent;

    /// <summary>Gets or sets whether it is winter.</summary>
    public bool Winter { get; set; }

    /// <summary>Sends the next parcel.</summary>
    public Delivery Send()
    {
        lock (_gate)
        {
            bool winter = Winter;
            string weather = winter && Chance(0.5) ? "snow" : Chance(0.3) ? "rain" : "dry";
            string carrier = Chance(0.5) ? "bike" : Chance(0.6) ? "van" : "post";
            float distance = (float)Math.Round(-Math.Log(1 - _random.NextDouble()) * (winter ? 9 : 6), 1);
            float? weight = Chance(winter ? 0.2 : 0.02) ? null : (float)Math.Round(0.2 + (_random.NextDouble() * 12), 1);
            double risk = -2.5 + (0.18 * distance) + (weather switch { "snow" => carrier == "bike" ? 3.0 : 1.2, "rain" => 0.6, _ => 0 }) + (carrier == "post" ? 0.8 : 0);
            _clock = _clock.AddMinutes(1);
            return new Delivery($"parcel-{++_sent}", _clock, distance, weight, carrier, weather, Chance(1 / (1 + Math.Exp(-risk))));
        }
    }

    /// <summary>Keeps a parcel that has arrived: the newest are what the next model learns from.</summary>
    public void Arrived(Delivery delivery)
    {
        lock (_gate)
        {
            _archive.Enqueue(delivery);
            if (_archive.Count > Newest)
            {
                _archive.Dequeue();
            }
        }
    }

    /// <summary>Gets the parcels that have arrived, oldest first.</summary>
    public IReadOnlyList<Delivery> Archive()
    {
        lock (_gate)
        {
            return [.. _archive];
        }
    }

    private bool Chance(double share) => _random.NextDouble() < share;
}
