using System.Globalization;
using System.Text;

namespace Mlops.Sdk.Serving.Tests;

/// <summary>A row of the tests.</summary>
internal sealed record Row(float X, string? Color);

/// <summary>An answer of the tests: the weight names the version that gave it.</summary>
internal readonly record struct Answer(float Score, float Weight);

/// <summary>Scores weight times X. Its weight is the version's number, so that an answer tells who gave it.</summary>
internal sealed class FakeModel(int weight, ModelSchema schema) : ILoadedModel
{
    private int _disposed;
    private int _misused;
    private int _inside;

    public static ModelSchema Plain { get; } = new(
        ModelTask.Regression,
        [new ModelInput("X", InputKind.Number, "X"), new ModelInput("Color", InputKind.Text, "Color") { Categories = ["red", "blue"] }],
        ["Score", "Weight"],
        "Y");

    public int Weight => weight;

    public int Disposals => Volatile.Read(ref _disposed);

    /// <summary>Gets how often the model was used after or while it was disposed.</summary>
    public int Misuses => Volatile.Read(ref _misused);

    public ModelSchema Schema => schema;

    public string Scorer => "fake";

    /// <summary>Runs inside every call, when set.</summary>
    public Action<float>? During { get; set; }

    public void Score(in ModelRow row, Span<float> outputs)
    {
        Interlocked.Increment(ref _inside);
        if (Disposals != 0)
        {
            Interlocked.Increment(ref _misused);
        }

        outputs[1] = weight;
        During?.Invoke(row.Numbers[0]);
        outputs[0] = weight * row.Numbers[0];
        if (Disposals != 0)
        {
            Interlocked.Increment(ref _misused);
        }

        Interlocked.Decrement(ref _inside);
    }

    public void Dispose()
    {
        if (Volatile.Read(ref _inside) != 0)
        {
            Interlocked.Increment(ref _misused);
        }

        Interlocked.Increment(ref _disposed);
    }
}

/// <summary>Loads fake models; can be told to wait or to fail.</summary>
internal sealed class FakeFormat : IModelFormat
{
    private readonly Lock _gate = new();
    private readonly List<FakeModel> _loaded = [];

    public string Name => "fake";

    /// <summary>Runs before a version is loaded, with its weight.</summary>
    public Func<int, Task>? Before { get; set; }

    /// <summary>Changes a model that was just loaded.</summary>
    public Action<FakeModel>? After { get; set; }

    public IReadOnlyList<FakeModel> Loaded
    {
        get
        {
            lock (_gate)
            {
                return [.. _loaded];
            }
        }
    }

    public async ValueTask<ILoadedModel> LoadAsync(ModelManifest manifest, IArtifactStore artifacts, CancellationToken cancellationToken = default)
    {
        byte[] bytes = await artifacts.ReadAsync(manifest.Files[0].Digest, 1_000, cancellationToken);
        if (!int.TryParse(Encoding.UTF8.GetString(bytes), CultureInfo.InvariantCulture, out int weight))
        {
            throw new MlopsModelException("model.unloadable", "no number in it");
        }

        if (Before is { } before)
        {
            await before(weight).WaitAsync(cancellationToken);
        }

        var model = new FakeModel(weight, manifest.Schema);
        After?.Invoke(model);
        lock (_gate)
        {
            _loaded.Add(model);
        }

        return model;
    }
}
