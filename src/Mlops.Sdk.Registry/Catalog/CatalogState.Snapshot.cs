using System.Buffers;

namespace Mlops.Sdk.Registry;

/// <content>The saved state.</content>
internal sealed partial class CatalogState
{
    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        SnapshotWriter to = new(writer);
        to.Number(_modelsInOrder.Count);
        foreach (ModelFacts model in _modelsInOrder)
        {
            CatalogSnapshot.Write(to, model);
        }

        to.Number(_versionsInOrder.Count);
        foreach (VersionFacts version in _versionsInOrder)
        {
            CatalogSnapshot.Write(to, version);
        }
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        SnapshotReader from = new(snapshot);
        int modelCount = from.Count(bytesEach: 10);
        List<ModelFacts> models = new(modelCount);
        Dictionary<string, ModelFacts> byName = new(modelCount, StringComparer.Ordinal);
        for (int i = 0; i < modelCount; i++)
        {
            ModelFacts model = CatalogSnapshot.ReadModel(from, i);
            if (!byName.TryAdd(model.Name, model))
            {
                throw SnapshotReader.Broken();
            }

            models.Add(model);
        }

        Dictionary<string, (ModelFacts Model, string Person)> requests = new(StringComparer.Ordinal);
        foreach (ModelFacts model in models)
        {
            foreach ((string person, AccessRequest request) in model.Feedback.Requests)
            {
                if (!requests.TryAdd(request.Id, (model, person)))
                {
                    throw SnapshotReader.Broken();
                }
            }
        }

        int count = from.Count(bytesEach: 48);
        List<VersionFacts> versions = new(count);
        for (int i = 0; i < count; i++)
        {
            versions.Add(CatalogSnapshot.ReadVersion(from, models, i));
        }

        from.End();
        if (models.Exists(m => m.Aliases.Exists(a => a.Value < 1 || a.Value > m.Versions.Count) || (m.Versions.Count == 0 && !m.Feedback.IsEmpty)))
        {
            throw SnapshotReader.Broken();
        }

        lock (_gate)
        {
            (_texts, _models, _modelsInOrder, _versionsInOrder, _requests) = (new TextTable(), byName, models, versions, requests);
            WordsChanged?.Invoke(null, null);
        }
    }
}
