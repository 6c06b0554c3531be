package dev.tidemill.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MlflowImportTest {
    @Test
    void aPromptIsToldByItsTag() throws Exception {
        assertThat(MlflowImport.isPrompt(Api.JSON.readTree(
                        "{\"name\":\"greet\",\"tags\":[{\"key\":\"mlflow.prompt.is_prompt\",\"value\":\"true\"}]}")))
                .isTrue();
        assertThat(MlflowImport.isPrompt(Api.JSON.readTree("{\"name\":\"churn\",\"tags\":[]}")))
                .isFalse();
        assertThat(MlflowImport.isPrompt(Api.JSON.readTree("{\"name\":\"churn\"}")))
                .isFalse();
    }
}
